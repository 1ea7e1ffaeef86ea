package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// specimen is a package, or what somebody takes for one.
type specimen struct {
	what string // for the table
	file string
	// like is the folder into which the client unpacks the package when nothing is lost; empty where that does not
	// matter.
	like string
	// elsewhere marks a package that is sound but not for this machine: its refusal by the client says nothing about
	// it.
	elsewhere bool
}

// The client's answers. "installs it broken" is the worst: exit status 0 and a connector that is not there or not the
// same.
const (
	installs       = "installs"
	installsBroken = "installs it broken"
	refuses        = "refuses"
	crashes        = "crashes"
	hangs          = "hangs"
)

// TestAnswers shows packages to the client and to kpkg, and compares their answers with the recorded table.
func TestAnswers(t *testing.T) {
	t.Parallel()
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PACKAGE\tplakar pkg add\tkpkg verify")
	for _, s := range collectSpecimens(t) {
		client, said := askClient(t, s)
		kpkg := askKpkg(t, s)
		t.Logf("%s: the client %s: %s", s.what, client, said)
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.what, client, kpkg)
		if client != installs && kpkg == "accepts" && !s.elsewhere {
			t.Errorf("%s: the client %s, kpkg accepts", s.what, client)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}

	const golden = "testdata/answers.golden"
	if *update {
		if err := os.WriteFile(golden, table.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(table.Bytes(), want) {
		t.Errorf("answers differ from %s (go test -update writes it):\n%s", golden, table.Bytes())
	}
}

// askClient lets a client that has nothing installed add the package. It returns the answer and what the client said.
func askClient(t *testing.T, s specimen) (answer, said string) {
	t.Helper()
	client := newClient(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	result, err := client.Run(ctx, "pkg", "add", s.file)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return hangs, ""
	case err != nil:
		t.Fatal(err)
	case strings.Contains(result.Stderr, "goroutine 1 ["):
		return crashes, result.Stderr
	case result.Status != 0:
		return refuses, result.Stderr
	case s.like == "":
		return installs, ""
	}
	lost, err := rig.Differences(s.like, client.Installed(filepath.Base(s.file)))
	if err != nil {
		t.Fatal(err)
	}
	if len(lost) > 0 {
		return installsBroken, strings.Join(lost, "\n")
	}
	return installs, ""
}

// askKpkg returns "accepts", or "refuses" with the rules that the package breaks.
func askKpkg(t *testing.T, s specimen) string {
	t.Helper()
	result, err := rig.Run(t.Context(), tools.Kpkg, "verify", "--format", "json", s.file)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Packages []struct {
			Findings []struct{ Rule, Severity string }
		}
	}
	if err := json.Unmarshal([]byte(result.Stdout), &report); err != nil {
		t.Fatalf("kpkg verify %s: %v\n%v", s.file, err, result)
	}
	var rules []string
	for _, p := range report.Packages {
		for _, f := range p.Findings {
			if f.Severity == "error" {
				rules = append(rules, f.Rule)
			}
		}
	}
	slices.Sort(rules)
	rules = slices.Compact(rules)
	switch {
	case result.Status == 0 && len(rules) == 0:
		return "accepts"
	case result.Status == 1 && len(rules) > 0:
		return refuses + ": " + strings.Join(rules, ", ")
	}
	t.Fatalf("kpkg verify %s: exit status and findings disagree: %v", s.file, result)
	return ""
}

func collectSpecimens(t *testing.T) []specimen {
	sound, err := os.ReadFile(packages.ftp)
	if err != nil {
		t.Fatal(err)
	}
	// What a sound package unpacks to.
	client := newClient(t, packages.ftp)
	like := client.Installed(filepath.Base(packages.ftp))

	put := func(name string, data []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	specimens := []specimen{
		{what: "made by kpkg", file: packages.ftp, like: like},
		{what: "made by plakar", file: createWithClient(t, filepath.Join(like, "ftpImporter"), "")},
	}

	// For another machine, and names that say something else than the package.
	otherArch := "arm64"
	if runtime.GOARCH == otherArch {
		otherArch = "amd64"
	}
	other := createTiny(t, runtime.GOOS+"/"+otherArch)
	otherData, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	platform := runtime.GOOS + "_" + runtime.GOARCH
	otherPlatform := runtime.GOOS + "_" + otherArch
	specimens = append(specimens,
		specimen{what: "for another platform", file: other, elsewhere: true},
		specimen{what: "for another platform, named for this", file: put("tiny_v0.1.0_"+platform+".ptar", otherData)},
		specimen{what: "for this platform, named for another", file: put("ftp_v0.1.0_"+otherPlatform+".ptar", sound)},
	)
	for what, name := range map[string]string{
		"renamed: version without v":      "ftp_0.1.0_" + platform + ".ptar",
		"renamed: underscore in the name": "f_tp_v0.1.0_" + platform + ".ptar",
		"renamed: no platform":            "ftp_v0.1.0.ptar",
		"renamed: no name":                "_v0.1.0_" + platform + ".ptar",
		"renamed: another name":           "sftp_v0.1.0_" + platform + ".ptar",
		"renamed: another version":        "ftp_v9.9.9_" + platform + ".ptar",
		"renamed: by a browser":           "ftp_v0.1.0_" + platform + " (1).ptar",
		"renamed: upper-case platform":    strings.ToUpper("ftp_v0.1.0_"+platform) + ".ptar",
	} {
		specimens = append(specimens, specimen{what: what, file: put(name, sound)})
	}

	// Sound files with a manifest that the client does not take.
	for what, change := range map[string]string{
		"manifest: claims a builtin protocol":    "protocols: [fs]",
		"manifest: unknown location flag":        "protocols: [ftp]\n  location_flags: [fast]",
		"manifest: unknown connector type":       "type: importr\n  protocols: [ftp]",
		"manifest: no protocol":                  "protocols: []",
		"manifest: a protocol claimed two times": "protocols: [ftp, ftp]",
	} {
		file := createWithClient(t, filepath.Join(like, "ftpImporter"), change)
		specimens = append(specimens, specimen{what: what, file: file})
	}

	// Damage.
	name := filepath.Base(packages.ftp)
	a := dissect(t, packages.ftp, sound, "/ftpImporter", "/manifest.yaml")
	for what, offset := range map[string]int64{
		"damaged: magic":           0,
		"damaged: format version":  8,
		"damaged: config":          a.config.middle(),
		"damaged: config MAC":      a.config.end() - 1,
		"damaged: executable":      a.chunks["/ftpImporter"].middle(),
		"damaged: manifest":        a.chunks["/manifest.yaml"].middle(),
		"damaged: packfile header": a.packfile.offset + regionHeaderSize/2,
		"damaged: index":           a.index.middle(),
		"damaged: footer":          a.footer.middle(),
		"damaged: footer length":   a.footer.end(),
		"damaged: packfile MAC":    a.packfile.end() - 1,
		"damaged: state header":    a.state.offset + regionHeaderSize/2,
		"damaged: state":           a.state.offset + regionHeaderSize, // further in, it depends on the build what is hit
		"damaged: state MAC":       a.state.end() - 1,
		"damaged: trailer":         a.trailer.offset + 16, // offset of the packfile
	} {
		data := slices.Clone(sound)
		data[offset] ^= 0x55
		specimens = append(specimens, specimen{what: what, file: put(name, data), like: like})
	}
	for what, data := range map[string][]byte{
		"cut: by one byte":       sound[:len(sound)-1],
		"cut: by the trailer":    sound[:len(sound)-trailerSize],
		"cut: by half":           sound[:len(sound)/2],
		"cut: to 100 bytes":      sound[:100],
		"cut: to nothing":        {},
		"grown: by one byte":     append(slices.Clone(sound), 0),
		"grown: by 4096 bytes":   append(slices.Clone(sound), make([]byte, 4096)...),
		"grown: by itself":       slices.Concat(sound, sound),
		"not a package: text":    bytes.Repeat([]byte("Not Found\n"), 100),
		"not a package: zeros":   make([]byte, 4096),
		"not a package: no data": bytes.Repeat([]byte("_PLATAR_"), 100),
	} {
		specimens = append(specimens, specimen{what: what, file: put(name, data), like: like})
	}

	slices.SortStableFunc(specimens[5:], func(a, b specimen) int { return strings.Compare(a.what, b.what) })
	return specimens
}

// createWithClient makes a package of the FTP importer with the client's own pkg create. change, if any, takes the
// place of the protocols in the manifest.
func createWithClient(t *testing.T, executable, change string) string {
	t.Helper()
	dir := t.TempDir()
	manifest, err := os.ReadFile(filepath.Join(rig.Root(), "testdata/manifests/good/announcement/manifest.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if change != "" {
		before := "protocols: [ftp]"
		if strings.HasPrefix(change, "type:") {
			manifest = bytes.Replace(manifest, []byte("- type: importer\n  executable"), []byte("- executable"), 1)
		}
		if !bytes.Contains(manifest, []byte(before)) {
			t.Fatalf("the manifest has no %q", before)
		}
		manifest = bytes.Replace(manifest, []byte(before), []byte(change), 1)
	}
	program, err := os.ReadFile(executable)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		os.WriteFile(filepath.Join(dir, "manifest.yaml"), manifest, 0o644),
		os.WriteFile(filepath.Join(dir, "ftpImporter"), program, 0o755),
	); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, packageName("ftp"))
	must(t, newClient(t), "pkg", "create", "-out", file, filepath.Join(dir, "manifest.yaml"), "v0.1.0")
	return file
}

// createTiny makes, with kpkg, a package for another platform whose only executable does nothing, so that it builds
// fast.
func createTiny(t *testing.T, platform string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":                  "module example.org/tiny\n\ngo 1.26\n",
		"plugin/importer/main.go": "package main\n\nfunc main() {}\n",
		"manifest.yaml": `name: tiny
display_name: Tiny
description: Does nothing
api_version: v1.1.0
connectors:
- type: importer
  executable: tinyImporter
  protocols: [tiny]
`,
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	result, err := rig.Run(t.Context(), tools.Kpkg,
		"create", filepath.Join(dir, "manifest.yaml"), "v0.1.0", "--platform", platform, "--out-dir", dir)
	if err != nil || result.Status != 0 {
		t.Fatal(err, result)
	}
	return filepath.Join(dir, "tiny_v0.1.0_"+strings.ReplaceAll(platform, "/", "_")+".ptar")
}
