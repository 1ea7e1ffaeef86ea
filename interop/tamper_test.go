package interop

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/PlakarKorp/pkg"
)

func (s *story) get(name string) []byte {
	s.t.Helper()
	data, err := os.ReadFile(s.at(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

func (s *story) copyTree(from, to string) {
	s.t.Helper()
	if out, err := exec.Command("cp", "-a", s.at(from), s.at(to)).CombinedOutput(); err != nil {
		s.t.Fatalf("%s, %v", out, err)
	}
}

// TestTamper changes each file of a registry in turn. kpkg install and index --check refuse every one, verify --require-signature all but an
// old recipe, whose signature is right; what the released client makes of them, testdata/tamper.golden records.
func TestTamper(t *testing.T) {
	s := newStory(t)
	s.release("one", "v1.0.0", "dist1")
	s.release("one", "v1.1.0", "dist2")
	s.kpkg(0, "index", "dist1", "dist2", "--out-dir", "good", "--key", "acme.sec")
	s.kpkg(0, "keygen", "thief", "--no-passphrase")
	const dir = "community/v1.1.0/one/"
	file := dir + fmt.Sprintf("one_v1.1.0_%s_%s.ptar", runtime.GOOS, runtime.GOARCH)
	older := dir + fmt.Sprintf("one_v1.0.0_%s_%s.ptar", runtime.GOOS, runtime.GOARCH)
	edit := func(name, from, to string) func() {
		return func() {
			data := s.get("tree/" + name)
			if !bytes.Contains(data, []byte(from)) {
				t.Fatalf("%s has no %q", name, from)
			}
			s.put("tree/"+name, strings.Replace(string(data), from, to, 1))
		}
	}
	var table strings.Builder
	for _, test := range []struct {
		title, judged string
		change        func()
		verify        int // the status of verify
	}{
		{"nothing", file, func() {}, 0},
		{"package: one byte", file, func() { data := s.get("tree/" + file); data[len(data)/3] ^= 1; s.put("tree/"+file, string(data)) }, 1},
		{"package: an older one under its name", file, func() { s.put("tree/"+file, string(s.get("tree/"+older))) }, 1},
		{"package: an older one with its sum and signature", file, func() {
			for _, extension := range []string{"", ".sum", ".sum.sig"} {
				s.put("tree/"+file+extension, string(s.get("tree/"+older+extension)))
			}
		}, 1},
		{"package: signed by another key", file, func() { s.kpkg(0, "sign", "tree/"+file, "--key", "thief.sec") }, 1},
		{"sum: of other bytes", file, edit(file+".sum", ") = ", ") = 0"), 1},
		{"sum: gone", file, func() { os.Remove(s.at("tree/" + file + ".sum")) }, 1},
		{"signature: one letter", file, edit(file+".sum.sig", "RW", "RX"), 1},
		{"signature: gone", file, func() { os.Remove(s.at("tree/" + file + ".sum.sig")) }, 1},
		{"recipe: another version", dir + "recipe.yaml", edit(dir+"recipe.yaml", "v1.1.0", "v1.0.0"), 1},
		{"recipe: an old one with its signature", dir + "recipe.yaml", func() {
			for _, extension := range []string{"", ".sum", ".sum.sig"} {
				s.put("tree/"+dir+"recipe.yaml"+extension, string(s.get("tree/"+dir+"v1.0.0/recipe.yaml"+extension)))
			}
		}, 0},
		{"index: another version", "integrations-v1.0.0.json", edit("index/integrations-v1.0.0.json", `"version": "v1.1.0"`, `"version": "v1.0.0"`), 1},
		{"index: signature gone", "integrations-v1.0.0.json", func() { os.Remove(s.at("tree/index/integrations-v1.0.0.json.sum.sig")) }, 1},
	} {
		if err := os.RemoveAll(s.at("tree")); err != nil {
			t.Fatal(err)
		}
		s.copyTree("good", "tree")
		test.change()
		check := 1
		if test.title == "nothing" {
			check = 0
		}
		s.kpkg(check, "index", "--check", "tree", "--key", "acme.pub")
		s.kpkg(test.verify, "verify", "--key", "acme.pub", "--require-signature", "tree/"+test.judged)
		said := s.install("tree")
		s.kpkg(check, "install", "one", "--registry", "tree", "--key", "acme.pub", "--root", fmt.Sprintf("machine%d", strings.Count(table.String(), "\n")))
		refused := map[int]string{0: "accepts", 1: "refuses"}
		fmt.Fprintf(&table, "%-50s kpkg install %s, index --check %[2]s, verify --require-signature %s, client v1.1.4 %s\n", test.title+":", refused[check],
			refused[test.verify], said)
		os.RemoveAll(s.at("state")) // a tree of before is no memory of this one
	}
	golden := filepath.Join("testdata", "tamper.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != table.String() {
		t.Errorf("%v\n%s\nwant\n%s", err, table.String(), want)
	}
}

// installFrom is the variable with the address from which TestInstallFrom installs.
const installFrom = "KPKG_INTEROP_INSTALL_FROM"

// TestInstallFrom is the client's manager in a process of its own, for TestTamper: damage makes it panic.
func TestInstallFrom(t *testing.T) {
	address := os.Getenv(installFrom)
	if address == "" {
		return
	}
	manager := newManager(t, address)
	if err := manager.Add("one", &pkg.AddOptions{ImplicitFetch: true}); err != nil {
		fmt.Println("client: refuses it")
		return
	}
	for p, err := range manager.List() {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("client: installs " + p.Version)
	}
}

// install is what the client's manager makes of a tree.
func (s *story) install(tree string) string {
	s.t.Helper()
	server := httptest.NewTLSServer(http.FileServer(http.Dir(s.at(tree))))
	defer server.Close()
	s.put("roots.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestInstallFrom$", "-test.v")
	// The folders of a test that panics stay, so they are to be in one of this test's.
	cmd.Env = append(os.Environ(), installFrom+"="+server.URL, "SSL_CERT_FILE="+s.at("roots.pem"), "TMPDIR="+s.t.TempDir())
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if said, found := strings.CutPrefix(line, "client: "); found {
			return strings.TrimSpace(said)
		}
	}
	if bytes.Contains(out, []byte("panic: ")) {
		return "panics"
	}
	s.t.Fatalf("the client's manager: %v\n%s", err, out)
	return ""
}
