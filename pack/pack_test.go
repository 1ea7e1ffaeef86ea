package pack

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/encryption"
	"github.com/PlakarKorp/kloset/repository"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot"
	"github.com/PlakarKorp/kloset/versioning"

	"github.com/PlakarKorp/kpkg/internal/klosettest"
	"github.com/PlakarKorp/kpkg/internal/ptar"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarread"
)

func tree(t *testing.T) (string, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"zero": "", "a/b/c": "deep", "a-b": "beside", "large": strings.Repeat("0123456789abcdef", 1<<18), "odd \n[ü": "odd"}
	for i := range 300 { // more than a node of a tree holds
		files[filepath.Join("many", strings.Repeat("x", i%50), string(rune('A'+i%26)), strings.Repeat("y", i/50+1))] = strings.Repeat("z", i)
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return dir, files
}

// TestKloset reads with kloset's own repository what is packed, plain and encrypted, and checks it with kpkg's reader.
func TestKloset(t *testing.T) {
	dir, files := tree(t)
	for name, passphrase := range map[string][]byte{"plain": nil, "encrypted": []byte("secret")} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.ptar")
			result, err := File(t.Context(), path, false, Options{Paths: []string{dir}, Passphrase: passphrase})
			if err != nil || result.Files != len(files) || result.Failed > 0 {
				t.Fatalf("%+v, %v", result, err)
			}
			archive, err := ptarread.OpenArchive(t.Context(), path, passing(passphrase))
			if err != nil {
				t.Fatal(err)
			}
			defer archive.Close()
			if _, problems, err := archive.Check(t.Context()); err != nil || len(problems) > 0 {
				t.Errorf("%v, %v", problems, err)
			}
			raced.Skip(t, "kloset does the rest")
			k := klosettest.Context(t)
			store, config, err := storage.Open(k, map[string]string{"location": "ptar://" + path})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close(k)
			var key []byte
			if passphrase != nil {
				body := config[ptar.EnvelopeHeader : int64(len(config))-ptar.EnvelopeMAC]
				c, err := storage.NewConfigurationFromBytes(versioning.GetCurrentVersion(resources.RT_CONFIG), body)
				if err != nil {
					t.Fatal(err)
				}
				if key, err = encryption.DeriveKey(c.Encryption.KDFParams, passphrase); err != nil || !encryption.VerifyCanary(c.Encryption, key) {
					t.Fatalf("kloset does not take the passphrase: %v", err)
				}
			}
			repo, err := repository.New(k, key, store, config)
			if err != nil {
				t.Fatal(err)
			}
			for id, err := range repo.ListSnapshots() {
				if err != nil {
					t.Fatal(err)
				}
				snap, err := snapshot.Load(repo, id)
				if err != nil {
					t.Fatal(err)
				}
				system, err := snap.Filesystem()
				if err != nil {
					t.Fatal(err)
				}
				for name, want := range files {
					file, err := system.Open(filepath.ToSlash(filepath.Join(dir, name)))
					if err != nil {
						t.Fatal(err)
					}
					if got, err := io.ReadAll(file); err != nil || string(got) != want {
						t.Errorf("%q: %d bytes, %v", name, len(got), err)
					}
					file.Close()
				}
			}
		})
	}
}

func passing(passphrase []byte) ptarread.Options {
	return ptarread.Options{Passphrase: func(context.Context) ([]byte, error) { return passphrase, nil }}
}

// TestLeftOut: what is gone, and what is to be left out.
func TestLeftOut(t *testing.T) {
	dir, _ := tree(t)
	var out bytes.Buffer
	result, err := Write(t.Context(), &out, Options{
		Paths: []string{dir}, Exclude: []string{"many/", "a/**/c", "!zero"}, Skip: func(info fs.FileInfo) bool { return info.Name() == "large" },
	})
	if err != nil || result.Files != 3 {
		t.Errorf("%+v, %v", result, err)
	}
	if _, err := Write(t.Context(), &out, Options{Paths: []string{filepath.Join(dir, "nowhere")}}); err == nil {
		t.Error("what is not there is packed")
	}
}
