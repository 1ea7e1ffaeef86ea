package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestTryStore proves that the client lists, checks and restores what kpkg has backed up to a store that it has made, encrypted or not,
// and kpkg what the client has, and that the other may add to it.
func TestTryStore(t *testing.T) {
	words := filepath.Join(t.TempDir(), "words")
	if err := os.WriteFile(words, []byte(secretWords+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, encrypted := range []bool{false, true} {
		for _, byClient := range []bool{false, true} {
			t.Run(fmt.Sprintf("made by the client %v, encrypted %v", byClient, encrypted), func(t *testing.T) {
				t.Parallel()
				s := storeOfBoth{t: t, client: newClient(t), at: filepath.Join(t.TempDir(), "store")}
				create, kpkgBackup := []string{"create"}, []string{"backup", packages.fsOne}
				if encrypted {
					s.passphrase, s.words = []string{"PLAKAR_PASSPHRASE=" + secretWords}, []string{"--passphrase-file", words}
				} else {
					create = append(create, "-plaintext")
				}
				first, second := writeTree(t), writeTree(t)
				if byClient {
					s.ask(create...)
					s.ask("backup", first)
					s.kpkgReads(first)
					s.try(append(kpkgBackup, "fis:"+second, "fis:"+s.at)...)
					s.clientChecks()
					return
				}
				if encrypted {
					kpkgBackup = append(kpkgBackup, "--encrypt")
				}
				s.try(append(kpkgBackup, "fis:"+first, "fis:"+s.at)...)
				s.clientReads(first)
				s.ask("backup", second)
				s.kpkgChecks()
			})
		}
	}
}

// storeOfBoth is a store that kpkg and the client use.
type storeOfBoth struct {
	t          *testing.T
	client     *rig.Client
	at         string
	passphrase []string // in the client's environment
	words      []string // of kpkg's flags
}

// ask has the client do something with the store.
func (s storeOfBoth) ask(args ...string) rig.Result {
	s.t.Helper()
	return s.done(s.client.RunWith(s.t.Context(), s.passphrase, append([]string{"at", "fs://" + s.at}, args...)...))
}

func (s storeOfBoth) try(args ...string) rig.Result {
	s.t.Helper()
	args = append(append([]string{"try"}, args...), "--store", packages.fsOne)
	return s.done(rig.Run(s.t.Context(), tools.Kpkg, append(args, s.words...)...))
}

func (s storeOfBoth) done(result rig.Result, err error) rig.Result {
	s.t.Helper()
	if err != nil || result.Status != 0 {
		s.t.Fatal(err, result)
	}
	return result
}

// clientReads lists and checks the store with the client, and restores the youngest snapshot.
func (s storeOfBoth) clientReads(tree string) {
	s.t.Helper()
	if result := s.ask("ls"); strings.Count(result.Stdout, tree) != 1 {
		s.t.Errorf("the client's list: %v", result)
	}
	s.clientChecks()
	restored := filepath.Join(s.t.TempDir(), "restored")
	s.ask("restore", "-to", restored)
	wantEqual(s.t, tree, restored)
}

func (s storeOfBoth) clientChecks() {
	s.t.Helper()
	if result := s.ask("check"); !strings.Contains(result.Stdout, "completed without errors") {
		s.t.Errorf("the client's check: %v", result)
	}
}

func (s storeOfBoth) kpkgChecks() {
	s.t.Helper()
	s.try("check", "fis:"+s.at)
}

// kpkgReads does the same with kpkg.
func (s storeOfBoth) kpkgReads(tree string) {
	s.t.Helper()
	if result := s.try("ls", "fis:"+s.at); !strings.Contains(result.Stdout, tree+"/folder/deeper/still deeper/file\n") {
		s.t.Errorf("kpkg's list: %v", result)
	}
	s.kpkgChecks()
	restored := filepath.Join(s.t.TempDir(), "restored")
	s.try("restore", packages.fsOne, "fis:"+restored, "fis:"+s.at)
	wantEqual(s.t, tree, restored)
}
