package interop

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestPacked: the client lists, checks and restores what kpkg pack writes.
func TestPacked(t *testing.T) {
	t.Parallel()
	tree := writeTree(t)
	attributed := writeAttributed(t, tree)
	names := []string{"new\nline", "not \xff UTF-8", "tab\there", strings.Repeat("x", 255), "~", "<b>&amp;", "a:b", "$HOME"}
	for _, name := range names {
		path, whole := filepath.Join(tree, name), time.Unix(1e9, 0) // the client restores times to the microsecond
		if err := errors.Join(os.WriteFile(path, []byte(name), 0o600), os.Chtimes(path, whole, whole)); err != nil {
			t.Fatal(err)
		}
	}
	for name, args := range map[string][]string{
		"plain": nil, "gzip": {"--compression", "gzip"}, "reproducible": {"--reproducible"}, "encrypted": {"--encrypt"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "packed.ptar")
			mustKpkg(t, append([]string{"pack", tree, "-o", file}, args...)...)
			client := newClient(t)
			plakar := func(args ...string) rig.Result {
				t.Helper()
				all := append([]string{"at", "ptar://" + file}, args...)
				result, err := client.RunWith(t.Context(), []string{"PLAKAR_PASSPHRASE=" + secretWords}, all...)
				if err != nil || result.Status != 0 {
					t.Fatalf("%q: %v: %v", args, err, result)
				}
				return result
			}
			listed := plakar("ls")
			if !strings.Contains(listed.Stdout, tree) && name != "reproducible" {
				t.Errorf("the snapshot is listed as %v", listed)
			}
			if checked := plakar("check"); !strings.Contains(checked.Stdout, "completed without errors") {
				t.Errorf("check: %v", checked)
			}
			if name == "encrypted" {
				wrong, err := client.RunWith(t.Context(), []string{"PLAKAR_PASSPHRASE=wrong"}, "at", "ptar://"+file, "ls")
				if err != nil || wrong.Status == 0 {
					t.Errorf("with a wrong passphrase: %v, %v", wrong, err)
				}
			}
			restored := filepath.Join(t.TempDir(), "restored")
			plakar("restore", "-to", restored)
			wantEqual(t, tree, restored)
			// The client restores no attributes, not of its own archives either.
			extracted := filepath.Join(t.TempDir(), "extracted")
			mustKpkg(t, "extract", file, "-C", extracted)
			wantEqual(t, tree, extracted)
			wantAttributed(t, extracted, attributed)
		})
	}
}

// TestPackedHugeFile: a file of 3 GiB, longer than what 32 bits count, an empty one beside it.
func TestPackedHugeFile(t *testing.T) {
	t.Parallel()
	const huge = 3<<30 + 1
	source := t.TempDir()
	for name, size := range map[string]int64{"huge": huge, "empty": 0} {
		f, err := os.Create(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "huge.ptar")
	if result := mustKpkg(t, "pack", source, "-o", file); result.Peak > 256<<20 {
		t.Errorf("it took %d MiB of memory", result.Peak>>20)
	}
	client := newClient(t)
	store := "ptar://" + file
	must(t, client, "at", store, "check")
	restored := filepath.Join(t.TempDir(), "restored")
	must(t, client, "at", store, "restore", "-to", restored)
	f, err := os.Open(filepath.Join(restored, "huge"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zeros, block := make([]byte, 4<<20), make([]byte, 4<<20)
	var n int64
	for {
		read, err := f.Read(block)
		n += int64(read)
		if !bytes.Equal(block[:read], zeros[:read]) {
			t.Fatalf("not zero before byte %d", n)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(filepath.Join(restored, "empty")); n != huge || err != nil || info.Size() != 0 {
		t.Errorf("%d bytes of %d; %v", n, int64(huge), err)
	}
}
