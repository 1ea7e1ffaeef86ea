package interop

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// secretWords is the passphrase of encrypted archives.
const secretWords = "correct horse battery staple"

// runKpkg runs kpkg with the passphrase in the environment.
func runKpkg(t *testing.T, args ...string) rig.Result {
	t.Helper()
	result, err := rig.RunIn(t.Context(), t.TempDir(), []string{"PLAKAR_PASSPHRASE=" + secretWords}, tools.Kpkg, args...)
	if err != nil {
		t.Fatalf("%q: %v\n%v", args, err, result)
	}
	return result
}

func mustKpkg(t *testing.T, args ...string) rig.Result {
	t.Helper()
	result := runKpkg(t, args...)
	if result.Status != 0 {
		t.Fatalf("%q: %v", args, result)
	}
	return result
}

// writeOdd adds to a tree what only archives of a local folder have: names that no terminal should be shown, and several names of
// one file.
func writeOdd(t *testing.T, tree string) {
	t.Helper()
	for _, name := range []string{"new\nline", "esc\x1b[31mape", "no\xff\xfeUTF-8", "tab\tulator", strings.Repeat("n", 255)} {
		if err := os.WriteFile(filepath.Join(tree, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"another name of plain.txt", "folder/yet another"} {
		if err := os.Link(filepath.Join(tree, "plain.txt"), filepath.Join(tree, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// wantLinked holds that the names of plain.txt are names of one file.
func wantLinked(t *testing.T, tree string) {
	t.Helper()
	first, err := os.Stat(filepath.Join(tree, "plain.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"another name of plain.txt", "folder/yet another"} {
		if other, err := os.Stat(filepath.Join(tree, name)); err != nil || !os.SameFile(first, other) {
			t.Errorf("%s is no other name of plain.txt: %v", name, err)
		}
	}
}

// attributes are names and paths of what writeAttributed sets: of a file, a folder and a link, which only root may give some.
var attributes = []struct{ name, path string }{
	{"user.kpkg", "plain.txt"}, {"user.kpkg", "folder"}, {"trusted.kpkg", "link"},
}

// writeAttributed adds extended attributes to a tree, and says of which paths the file system takes them.
func writeAttributed(t *testing.T, tree string) map[string]bool {
	t.Helper()
	taken := map[string]bool{}
	for _, a := range attributes {
		taken[a.path] = unix.Lsetxattr(filepath.Join(tree, a.path), a.name, []byte("an attribute"), 0) == nil
	}
	if !taken["plain.txt"] || !taken["folder"] {
		t.Errorf("the file system takes attributes of %v only", taken)
	}
	return taken
}

// wantAttributed expects what writeAttributed has set.
func wantAttributed(t *testing.T, tree string, taken map[string]bool) {
	t.Helper()
	for _, a := range attributes {
		value := make([]byte, 100)
		n, err := unix.Lgetxattr(filepath.Join(tree, a.path), a.name, value)
		if taken[a.path] && (err != nil || string(value[:n]) != "an attribute") {
			t.Errorf("the attribute of %s came back as %q, %v", a.path, value[:max(n, 0)], err)
		}
	}
}

// snapshotsOf are the identifiers of an archive's snapshots by the folder that each is of, as kpkg lists them.
func snapshotsOf(t *testing.T, file string) map[string]string {
	t.Helper()
	var report struct {
		Ptars []struct {
			Snapshots []struct{ ID, Root string }
		}
	}
	result := mustKpkg(t, "inspect", "--format", "json", file)
	if err := json.Unmarshal([]byte(result.Stdout), &report); err != nil {
		t.Fatalf("%v: %v", err, result)
	}
	ids := map[string]string{}
	for _, archive := range report.Ptars {
		for _, s := range archive.Snapshots {
			ids[s.Root] = s.ID
		}
	}
	return ids
}

// TestArchives lists, checks, extracts and compares archives that the client writes.
func TestArchives(t *testing.T) {
	t.Parallel()
	tree, other := writeTree(t), t.TempDir()
	writeOdd(t, tree)
	attributed := writeAttributed(t, tree)
	if err := os.WriteFile(filepath.Join(other, "second"), []byte("of the second snapshot"), 0o600); err != nil {
		t.Fatal(err)
	}
	client := newClient(t)
	dir := t.TempDir()
	store := "fs:" + filepath.Join(dir, "store")
	must(t, client, "at", store, "create", "-plaintext")
	for _, source := range []string{tree, other} {
		must(t, client, "at", store, "backup", source)
	}
	for _, archive := range []struct {
		name string
		args []string
	}{
		{"plain", []string{"-plaintext", tree, other}},
		{"encrypted", []string{tree, other}},
		{"uncompressed", []string{"-plaintext", "-no-compression", tree, other}},
		{"sha256", []string{"-plaintext", "-hashing", "SHA256", tree, other}},
		{"of backups", []string{"-plaintext", "-k", store}},
	} {
		t.Run(archive.name, func(t *testing.T) {
			file := filepath.Join(dir, archive.name+".ptar")
			result, err := client.RunWith(t.Context(), []string{"PLAKAR_PASSPHRASE=" + secretWords}, append([]string{"ptar", "-o", file}, archive.args...)...)
			if err != nil || result.Status != 0 {
				t.Fatalf("%v: %v", err, result)
			}
			mustKpkg(t, "check", file)
			ids := snapshotsOf(t, file)
			for _, source := range []string{tree, other} {
				id := ids[source]
				restored := filepath.Join(t.TempDir(), "restored")
				mustKpkg(t, "extract", "--snapshot", id, file, "-C", restored)
				wantEqual(t, source, restored)
				if source == tree {
					wantLinked(t, restored)
					wantAttributed(t, restored, attributed)
				}
				mustKpkg(t, "diff", file+"@"+id, source)
				wantListed(t, source, mustKpkg(t, "ls", "-R", "--format", "json", "--snapshot", id, file).Stdout)
			}
			damaged := filepath.Join(t.TempDir(), "damaged.ptar")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 4
			if err := os.WriteFile(damaged, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if result := runKpkg(t, "check", damaged); result.Status != 1 || !strings.Contains(result.String(), "at byte") {
				t.Errorf("a damaged one: %v", result)
			}
		})
	}
	wrong, err := rig.RunIn(t.Context(), dir, []string{"PLAKAR_PASSPHRASE=incorrect"}, tools.Kpkg, "ls", filepath.Join(dir, "encrypted.ptar"))
	if err != nil || wrong.Status == 0 || !strings.Contains(wrong.Stderr, "passphrase is wrong") {
		t.Errorf("with a wrong passphrase: %v, %v", wrong, err)
	}
}

// wantListed compares what kpkg lists with what is in a folder.
func wantListed(t *testing.T, source, listed string) {
	t.Helper()
	var report struct{ Entries []struct{ Path string } }
	if err := json.Unmarshal([]byte(listed), &report); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range report.Entries {
		got = append(got, e.Path)
	}
	described, err := rig.Describe(source)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for name := range described {
		written, err := json.Marshal(name) // what is no UTF-8 is not in JSON either
		if err == nil {
			err = json.Unmarshal(written, &name)
		}
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("listed %q, not %q", got, want)
	}
}

// TestArchiveOfHugeFile reads an archive of a file of 3 GiB of zeros, longer than what 32 bits count, and an empty one.
func TestArchiveOfHugeFile(t *testing.T) {
	t.Parallel()
	const huge = 3<<30 + 1
	source, client := t.TempDir(), newClient(t)
	for name, size := range map[string]int64{"huge": huge, "empty": 0} {
		f, err := os.Create(filepath.Join(source, name))
		if err == nil {
			err = f.Truncate(size)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "huge.ptar")
	must(t, client, "ptar", "-plaintext", "-o", file, source)
	mustKpkg(t, "check", file)
	restored := filepath.Join(t.TempDir(), "restored")
	result := mustKpkg(t, "extract", file, "-C", restored)
	if limit := int64(256 << 20); result.Peak > limit {
		t.Errorf("it took %d MiB of memory", result.Peak>>20)
	}
	f, err := os.Open(filepath.Join(restored, "huge"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var n int64
	for block := make([]byte, 1<<20); ; {
		read, err := f.Read(block)
		n += int64(read)
		if slices.ContainsFunc(block[:read], func(b byte) bool { return b != 0 }) {
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
		t.Errorf("%d bytes of %d; %v, %v", n, int64(huge), fmt.Sprint(info), err)
	}
}
