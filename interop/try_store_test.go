package interop

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestTryStore proves that the client checks and restores what kpkg has backed up to a store, and kpkg what the client has, in stores
// that either has made, encrypted or not.
func TestTryStore(t *testing.T) {
	for _, test := range []struct {
		name               string
		byClient, encrypts bool
	}{
		{"made by kpkg, encrypted", false, true}, {"made by the client", true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := storeOfBoth{t: t, client: newClient(t, packages.fs), at: "fis://" + filepath.Join(t.TempDir(), "store")}
			if test.encrypts {
				s.environment = []string{"PLAKAR_PASSPHRASE=" + secretWords}
			}
			first := writeTree(t)
			backup := []string{"backup", packages.fs, "fis://" + first, s.at, "--store", packages.fs}
			if test.byClient {
				s.ask("create", "-plaintext")
			} else if test.encrypts {
				backup = append(backup, "--encrypt")
			}
			s.try(backup...)
			s.restoresBoth(first)

			// What the client adds finds what kpkg has stored.
			second := writeTree(t)
			s.ask("backup", second)
			s.restoresBoth(second)
			if n := strings.Count(s.ask("ls").Stdout, first) + strings.Count(s.ask("ls").Stdout, second); n != 2 {
				t.Errorf("the client lists %d snapshots, want 2", n)
			}
		})
	}
}

// storeOfBoth is a store that kpkg and the client use.
type storeOfBoth struct {
	t           *testing.T
	client      *rig.Client
	at          string
	environment []string
}

// ask has the client do something with the store.
func (s storeOfBoth) ask(args ...string) rig.Result {
	s.t.Helper()
	return s.done(s.client.RunWith(s.t.Context(), s.environment, append([]string{"at", s.at}, args...)...))
}

func (s storeOfBoth) try(args ...string) rig.Result {
	s.t.Helper()
	return s.done(rig.RunIn(s.t.Context(), s.t.TempDir(), s.environment, tools.Kpkg, append([]string{"try"}, args...)...))
}

func (s storeOfBoth) done(result rig.Result, err error) rig.Result {
	s.t.Helper()
	if err != nil || result.Status != 0 {
		s.t.Fatal(err, result)
	}
	return result
}

// restoresBoth checks the store and restores the youngest snapshot with each of the two.
func (s storeOfBoth) restoresBoth(tree string) {
	s.t.Helper()
	if result := s.ask("check"); !strings.Contains(result.Stdout, "completed without errors") {
		s.t.Errorf("the client's check: %v", result)
	}
	s.try("check", s.at, "--store", packages.fs)
	byClient, byKpkg := filepath.Join(s.t.TempDir(), "client"), filepath.Join(s.t.TempDir(), "kpkg")
	s.ask("restore", "-to", byClient)
	wantEqual(s.t, tree, byClient)
	s.try("restore", packages.fs, "fis://"+byKpkg, s.at, "--store", packages.fs)
	wantEqual(s.t, tree, byKpkg)
}
