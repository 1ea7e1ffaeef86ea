package interop

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestConformanceFTP holds both connectors of examples/ftp/both to the conformance suite, on ProFTPD.
func TestConformanceFTP(t *testing.T) {
	t.Parallel()
	server := startFTPServer(t)
	source := writeTree(t)
	location := "location=ftp://" + rig.FTPUser + "@" + server.Address
	wantSkipped(t, conform(t, "examples/ftp/both", rig.FTPPassword,
		"--connector", "importer:ftp", "--config", location+source,
		"--connector", "exporter:ftp", "--config", location+filepath.Join(t.TempDir(), "restored")),
		"exporter-escape", "exporter-links", "exporter-modes", "exporter-replace")
}

// TestConformanceImage holds connectors of examples/ftp/both to the suite as they run in a container: in their image, unpacked, over a
// socket, with a read-only root and no privileges.
func TestConformanceImage(t *testing.T) {
	t.Parallel()
	server := startFTPServer(t)
	wantSkipped(t, conformPackage(t, imageOf(t, filepath.Join(rig.Root(), "examples/ftp/both")), rig.FTPPassword,
		"--connector", "importer:ftp", "--config", "location=ftp://"+rig.FTPUser+"@"+server.Address+writeTree(t)))
}

// TestConformanceIMAP holds both connectors of examples/imap to the conformance suite, on Dovecot.
func TestConformanceIMAP(t *testing.T) {
	t.Parallel()
	server := startIMAPServer(t, "/")
	fillAccount(t, server, "joe")
	wantSkipped(t, conform(t, "examples/imap", rig.IMAPPassword,
		"--config", "tls=none", "--config", "location=imap://"+server.Address, "--sample", writeMail(t),
		"--connector", "importer:imap", "--config", "username=joe",
		"--connector", "exporter:imap", "--config", "username=jim"),
		"exporter-escape", "exporter-links", "exporter-modes", "exporter-names", "exporter-overwrite",
		"exporter-replace")
}

// writeMail makes a sample of what an IMAP account accepts, and returns its folder.
func writeMail(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, message := range map[string]string{
		"INBOX/0000000001-0000000001,FS,$Forwarded.eml": "Subject: flagged and seen\r\n\r\nHello\r\n",
		"INBOX/2.eml":           "Subject: neither\r\n\r\nHello again\r\n",
		"Archive/2024/2.eml":    "Subject: deeper\r\n\r\n",
		"Entwürfe & more/3.eml": "Subject: naïve\r\nMIME-Version: 1.0\r\n\r\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(message), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "Empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// notClaimed are the checks of an importer that need a source made by the suite, or with extended attributes.
var notClaimed = []string{
	"importer-bad-name", "importer-content", "importer-cut-file", "importer-everything", "importer-large-attribute", "importer-long-path",
	"importer-many", "importer-no-xattr", "importer-times", "importer-vanished", "importer-xattrs",
}

// wantSkipped allows no other check to be skipped than notClaimed and these of the exporter.
func wantSkipped(t *testing.T, skipped map[string]string, exporter ...string) {
	t.Helper()
	want := append(slices.Clone(exporter), notClaimed...)
	if got := slices.Sorted(maps.Keys(skipped)); !slices.Equal(got, want) {
		t.Errorf("skipped %q, want %q; they say: %v", got, want, skipped)
	}
}

// conform runs kpkg test on an example, with a password that nobody gets to see, and returns why what was skipped was.
func conform(t *testing.T, example, password string, args ...string) map[string]string {
	t.Helper()
	return conformPackage(t, filepath.Join(rig.Root(), example), password, args...)
}

// conformPackage is conform for a package, or a source tree.
func conformPackage(t *testing.T, path, password string, args ...string) map[string]string {
	t.Helper()
	args = append([]string{"test", path, "--format", "json", "--config", "password=$PASSWORD"},
		args...)
	result, err := rig.RunIn(t.Context(), t.TempDir(), []string{"PASSWORD=" + password}, tools.Kpkg, args...)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Checks []struct{ ID, Connector, Status, Detail string }
	}
	if strings.Contains(result.Stdout+result.Stderr, password) {
		t.Errorf("the password is in the output: %v", result)
	}
	if err := json.Unmarshal([]byte(result.Stdout), &report); err != nil {
		t.Fatalf("%v\n%v", err, result)
	}
	skipped := map[string]string{}
	for _, check := range report.Checks {
		switch check.Status {
		case "fail":
			t.Errorf("%s: %s: %s", check.Connector, check.ID, check.Detail)
		case "skip":
			skipped[check.ID] = check.Detail
		}
	}
	return skipped
}
