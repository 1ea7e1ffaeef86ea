package place

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

func content(text string) func(string) error {
	return func(temporary string) error { return os.WriteFile(temporary, []byte(text), 0o600) }
}

func accept(string) error { return nil }

func TestFile(t *testing.T) {
	refused := errors.New("refused")
	for name, test := range map[string]struct {
		there  string // what is there before; "" is nothing
		force  bool
		judge  error
		err    error
		expect string
	}{
		"new":             {expect: "made"},
		"kept":            {there: "old", err: fs.ErrExist, expect: "old"},
		"replaced":        {there: "old", force: true, expect: "made"},
		"refused":         {judge: refused, err: refused},
		"refused, forced": {there: "old", force: true, judge: refused, err: refused, expect: "old"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "folder", "file")
			var want []string
			if test.there != "" {
				if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(test.there), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			if test.expect != "" {
				want = []string{"file"}
			}
			err := File(context.Background(), path, test.force, content("made"), func(string) error { return test.judge })
			if !errors.Is(err, test.err) {
				t.Errorf("error %v, want %v", err, test.err)
			}
			if got := names(t, filepath.Dir(path)); !slices.Equal(got, want) {
				t.Errorf("the folder holds %q, want %q", got, want)
			}
			if got, _ := os.ReadFile(path); string(got) != test.expect {
				t.Errorf("the file holds %q, want %q", got, test.expect)
			}
		})
	}
}

// What a killed run left a day ago goes, and nothing else.
func TestStaleFiles(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-2 * staleAge)
	for name, written := range map[string]time.Time{
		".file.ABCDEFGH.tmp":  old,
		".file.IJKLMNOP.tmp":  time.Now(), // of a run at the same time
		".other.ABCDEFGH.tmp": old,
		".file.tmp":           old,
		".file.a.b.tmp":       old,
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, written, written)); err != nil {
			t.Fatal(err)
		}
	}
	if err := File(context.Background(), filepath.Join(dir, "file"), false, content("made"), accept); err != nil {
		t.Fatal(err)
	}
	want := []string{".file.IJKLMNOP.tmp", ".file.a.b.tmp", ".file.tmp", ".other.ABCDEFGH.tmp", "file"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, fine := range map[string]bool{
		filepath.Join(dir, "new"):                   true,
		filepath.Join(dir, "some", "where", "new"):  true,
		filepath.Join(file, "new"):                  false,
		filepath.Join(file, "some", "where", "new"): false,
	} {
		if err := Folder(path); (err == nil) != fine {
			t.Errorf("Folder(%q) = %v", path, err)
		}
	}
	if got := names(t, dir); !slices.Equal(got, []string{"file"}) {
		t.Errorf("%q were left", got)
	}
}

func text(content string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, content); return err }
}

// TestWrittenIsWhatWasJudged writes to the file, or puts another into its place, while it is judged.
func TestWrittenIsWhatWasJudged(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(temporary string) error
		err       string
	}{
		"nothing": {func(string) error { return nil }, ""},
		"one byte": {func(temporary string) error {
			f, err := os.OpenFile(temporary, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte("M"), 0)
			return errors.Join(err, f.Close())
		}, "was changed while it was made"},
		"more": {func(temporary string) error {
			f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString("!")
			return errors.Join(err, f.Close())
		}, "was changed while it was made"},
		"another file": {func(temporary string) error {
			return errors.Join(os.Remove(temporary), os.WriteFile(temporary, []byte("made"), 0o600))
		}, "was replaced while it was made"},
	} {
		for _, force := range []bool{false, true} {
			t.Run(fmt.Sprint(name, force), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "file")
				err := Written(t.Context(), path, force, text("made"), func(file *os.File, sum string) error {
					if of := fmt.Sprintf("%x", sha256.Sum256([]byte("made"))); sum != of {
						t.Errorf("the sum is %s, want %s", sum, of)
					}
					return test.meanwhile(file.Name())
				})
				if test.err == "" {
					if err != nil || !slices.Equal(names(t, filepath.Dir(path)), []string{"file"}) {
						t.Errorf("got %v, %v", err, names(t, filepath.Dir(path)))
					}
					return
				}
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v", err)
				}
				if left := names(t, filepath.Dir(path)); len(left) > 0 {
					t.Errorf("left %v", left)
				}
			})
		}
	}
}

// TestWrittenKeepsWhatIsThere has failures of each step.
func TestWrittenKeepsWhatIsThere(t *testing.T) {
	refused := errors.New("refused")
	accept := func(*os.File, string) error { return nil }
	ended, end := context.WithCancelCause(t.Context())
	end(refused)
	for name, test := range map[string]struct {
		ctx   context.Context
		force bool
		write func(io.Writer) error
		judge func(*os.File, string) error
		want  error
	}{
		"there":     {t.Context(), false, text("new"), accept, fs.ErrExist},
		"unwritten": {t.Context(), true, func(io.Writer) error { return refused }, accept, refused},
		"refused":   {t.Context(), true, text("new"), func(*os.File, string) error { return refused }, refused},
		"ended":     {ended, true, text("new"), accept, refused},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := Written(test.ctx, path, test.force, test.write, test.judge); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if data, err := os.ReadFile(path); err != nil || string(data) != "old" {
				t.Errorf("the file is %q, %v", data, err)
			}
			if left := names(t, filepath.Dir(path)); len(left) != 1 {
				t.Errorf("left %v", left)
			}
		})
	}
}

// TestExchange exchanges folders in one step and in several, also after runs that were killed at each of the steps.
func TestExchange(t *testing.T) {
	for name, do := range map[string]func(a, b string) error{
		"the system's way": func(a, b string) error { return errors.Join(Recover(b), Exchange(a, b)) }, "in steps": exchangeInSteps,
	} {
		for left, prepare := range map[string]func(b string) error{
			"nothing":         func(string) error { return nil },
			"the old aside":   func(b string) error { return os.Rename(b, aside(b)) },
			"both":            func(b string) error { return os.CopyFS(aside(b), os.DirFS(b)) },
			"somebody's file": func(b string) error { return os.WriteFile(b+".aside", nil, 0o600) },
		} {
			t.Run(name+", "+left, func(t *testing.T) {
				dir := t.TempDir()
				a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
				for _, folder := range []string{a, b} {
					if err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(filepath.Join(folder, filepath.Base(folder)), nil, 0o600)); err != nil {
						t.Fatal(err)
					}
				}
				if err := errors.Join(prepare(b), do(a, b)); err != nil {
					t.Fatal(err)
				}
				want := []string{"a", "b"}
				if left == "somebody's file" {
					want = append(want, "b.aside")
				}
				if !slices.Equal(names(t, a), []string{"b"}) || !slices.Equal(names(t, b), []string{"a"}) || !slices.Equal(names(t, dir), want) {
					t.Errorf("%v and %v in %v", names(t, a), names(t, b), names(t, dir))
				}
			})
		}
	}
}

// TestRecoverAll ends what killed runs have begun in a folder, and touches nothing else.
func TestRecoverAll(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".gone.kpkg-aside", ".there.kpkg-aside", "there", "mine.kpkg-aside", ".mine.aside"} {
		if err := os.MkdirAll(filepath.Join(dir, name, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := RecoverAll(dir); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{".mine.aside", "gone", "mine.kpkg-aside", "there"}) {
		t.Error(got)
	}
	if got := names(t, filepath.Join(dir, "there")); !slices.Equal(got, []string{"there"}) {
		t.Errorf("what had its name holds %v", got)
	}
}
