package try

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unicode/utf8"

	fsexporter "github.com/PlakarKorp/integrations/fs/exporter"
	fsimporter "github.com/PlakarKorp/integrations/fs/importer"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/encryption"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"

	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// The connectors of these tests run in this process; those of packages are the business of testdata/script/try.txtar.

func testMachine(t *testing.T) *connectors.Options {
	t.Helper()
	m, err := machine()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// write backs up into a data file, and counts.
func write(t *testing.T, ctx context.Context, path string, imp importer.Importer) (Result, error) {
	t.Helper()
	w := writing{imp: imp, machine: testMachine(t), tempDir: t.TempDir(), tally: newTally(nil)}
	err := w.write(ctx, path)
	return w.tally.result(), err
}

// source is a tree, its paths and contents.
func source(t *testing.T) (string, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"empty": "", "small": "small", "folder/deep/large": strings.Repeat("0123456789abcdef", 1<<18), "folder/ümläut": "odd",
	}
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, files
}

func fileImporter(t *testing.T, dir string) importer.Importer {
	t.Helper()
	imp, err := fsimporter.NewFSImporter(t.Context(), testMachine(t), "fs", map[string]string{"location": "fs://" + dir})
	if err != nil {
		t.Fatal(err)
	}
	return imp
}

// dataFile is one that holds the tree at dir.
func dataFile(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.ptar")
	if _, err := write(t, t.Context(), path, fileImporter(t, dir)); err != nil {
		t.Fatal(err)
	}
	return path
}

// restore restores a data file through an exporter.
func restore(t *testing.T, path string, construct func(*connectors.Options) exporter.Exporter) (Result, error) {
	t.Helper()
	counted := newTally(nil)
	data, err := openData(t.Context(), path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	if err := checkRoot(t.Context(), data); err != nil {
		t.Fatal(err)
	}
	err = export(t.Context(), data, construct(testMachine(t)), counted)
	return counted.result(), err
}

func TestRoundTrip(t *testing.T) {
	dir, files := source(t)
	data := filepath.Join(t.TempDir(), "data.ptar")
	got, err := write(t, t.Context(), data, fileImporter(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, content := range files {
		size += int64(len(content))
	}
	if got.Files != len(files) || got.Bytes != size || got.Failed != 0 {
		t.Errorf("counted %+v, want %d files of %d bytes", got.Progress, len(files), size)
	}

	target := t.TempDir()
	result, err := restore(t, data, func(m *connectors.Options) exporter.Exporter {
		exp, err := fsexporter.NewFSExporter(t.Context(), m, "fs", map[string]string{"location": "fs://" + target})
		if err != nil {
			t.Fatal(err)
		}
		return exp
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.Files != len(files) || result.Bytes != size || result.Failed != 0 {
		t.Errorf("counted %+v, want %d files of %d bytes", result.Progress, len(files), size)
	}
	restored := map[string]string{}
	filepath.WalkDir(target, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(target, path)
		restored[filepath.ToSlash(name)] = string(content)
		return err
	})
	if !maps.Equal(restored, files) {
		t.Errorf("restored %d files, not the same as the %d of the source", len(restored), len(files))
	}
}

func TestFullDisk(t *testing.T) {
	dir, _ := source(t)
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("only Linux has a disk that is always full")
	}
	path := filepath.Join(t.TempDir(), "data.ptar")
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	w := writing{imp: fileImporter(t, dir), machine: testMachine(t), tempDir: t.TempDir(), tally: newTally(nil)}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := w.writeTo(t.Context(), file); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v, want %v", err, syscall.ENOSPC)
	}
}

// What cannot be kept for the indexes would be missing in the data file.
func TestFullTemporaryFolder(t *testing.T) {
	dir, _ := source(t)
	w := writing{imp: fileImporter(t, dir), machine: testMachine(t), tempDir: filepath.Join(t.TempDir(), "missing"), tally: newTally(nil)}
	if err := w.write(t.Context(), filepath.Join(t.TempDir(), "data.ptar")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	dir, _ := source(t)
	cancel()
	if _, err := write(t, ctx, filepath.Join(t.TempDir(), "data.ptar"), fileImporter(t, dir)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// ending ends without telling what is derived from it, as while the end of a context is on its way to all that know it.
type ending struct {
	context.Context
	ended atomic.Bool
}

func (e *ending) Err() error {
	if e.ended.Load() {
		return context.Canceled
	}
	return nil
}

// endedImporter brings one record, after the end of the context that it knows or, when it has content, while that is read.
type endedImporter struct {
	importer.Importer
	ctx    *ending
	record *connectors.Record
}

func (i endedImporter) Import(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
	defer close(records)
	i.ctx.ended.Store(i.record.Err != nil)
	records <- i.record
	return nil
}

// TestNoFailuresOfTheEnd: what fails since the plugin has been ended is no failure of its own.
func TestNoFailuresOfTheEnd(t *testing.T) {
	ctx := &ending{Context: context.Background()}
	dies := func() (io.ReadCloser, error) {
		ctx.ended.Store(true)
		return nil, errDied
	}
	for name, record := range map[string]*connectors.Record{
		"record":  connectors.NewError("/file", errDied),
		"content": connectors.NewRecord("/file", "", named("file"), nil, dies),
	} {
		t.Run(name, func(t *testing.T) {
			ctx.ended.Store(false)
			ended := endedImporter{fileImporter(t, t.TempDir()), ctx, record}
			counted, err := write(t, ctx, filepath.Join(t.TempDir(), "data.ptar"), ended)
			if !errors.Is(err, context.Canceled) || len(counted.Failures) > 0 {
				t.Errorf("error %v, failures %v", err, counted.Failures)
			}
		})
	}
}

// TestOtherArchives restores what plakar may have written: several snapshots, of which the youngest counts, encrypted.
func TestOtherArchives(t *testing.T) {
	const passphrase = "correct horse"
	snapshots := [][][]ptartest.File{
		{{{Path: "old", Mode: 0o644, Content: []byte("old")}}},
		{{{Path: "folder/new", Mode: 0o600, Content: []byte("new")}}},
	}
	for name, key := range map[string]string{"plain": "", "encrypted": passphrase} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data.ptar")
			archive := ptartest.Archive{Snapshots: snapshots, Type: "fs", Passphrase: key}
			if err := os.WriteFile(path, archive.Bytes(t), 0o600); err != nil {
				t.Fatal(err)
			}
			data, err := openData(t.Context(), path, "", func(context.Context) ([]byte, error) { return []byte(key), nil })
			if err != nil {
				t.Fatal(err)
			}
			defer data.Close()
			target := t.TempDir()
			exp, err := fsexporter.NewFSExporter(t.Context(), testMachine(t), "fs", map[string]string{"location": "fs://" + target})
			if err != nil {
				t.Fatal(err)
			}
			if err := export(t.Context(), data, exp, newTally(nil)); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(target, "folder", "new")); err != nil || string(got) != "new" {
				t.Errorf("%q, %v", got, err)
			}
			if _, err := os.Lstat(filepath.Join(target, "old")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the older snapshot is there too: %v", err)
			}
		})
	}
}

func TestNotData(t *testing.T) {
	dir, _ := source(t)
	good, err := os.ReadFile(dataFile(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	pkg := new(bytes.Buffer)
	files := []ptarbuild.File{ptarbuild.FromBytes("a", []byte("a"))}
	if _, err := ptarbuild.Write(t.Context(), pkg, files, ptarbuild.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"empty", nil, "the file is not a ptar but empty"},
		{"text", []byte("hello"), "the file is not a ptar"},
		{"other magic", append([]byte("_plater_"), good[8:]...), "the file is not a ptar"},
		{"magic only", good[:8], "the file was cut short"},
		{"beginning only", good[:100], "the file was cut short"},
		{"without its last byte", good[:len(good)-1], "the file was cut short"},
		{"with a byte more", append(slices.Clone(good), 0), "the file was cut short"},
		{"encrypted", encrypted(t), "it is encrypted, and takes a passphrase"},
		{"package", pkg.Bytes(), "it is a package, not a data file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data.ptar")
			if err := os.WriteFile(path, test.content, 0o600); err != nil {
				t.Fatal(err)
			}
			wantNotData(t, path, test.want)
		})
	}
	wantNotData(t, dir, "is a folder, not a ptar")
	wantNotData(t, filepath.Join(dir, "missing"), "there is no data file ")
}

// encrypted is a ptar that says it is encrypted.
func encrypted(t *testing.T) []byte {
	f := ptartest.NewForgery(t, "LZ4", nil)
	f.Config.Encryption = encryption.NewDefaultConfiguration()
	return f.Bytes()
}

// wantNotData checks that a file is neither listed nor restored, the latter before anything is asked of the package.
func wantNotData(t *testing.T, path, reason string) {
	t.Helper()
	_, err := List(t.Context(), path, "", nil, func(Entry) error { return nil })
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), reason) {
		t.Fatalf("listing: error %v, want %s", err, reason)
	}
	again := err
	_, err = Restore(t.Context(), Options{Package: "missing.ptar", Data: path})
	if err == nil || err.Error() != again.Error() {
		t.Errorf("restoring: error %v, want %v", err, again)
	}
}

// badExporter takes the first entries, answers as it is told, and says what it is told at the end.
type badExporter struct {
	exporter.Exporter
	take   int
	answer func(*connectors.Record) *connectors.Result
	closes bool
	err    error
}

func (b badExporter) Export(
	_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result,
) error {
	for r := range records {
		if b.take--; b.take < 0 {
			break
		}
		if answer := b.answer(r); answer != nil {
			results <- answer
		}
	}
	if b.closes {
		close(results)
	}
	return b.err
}

func (badExporter) Flags() location.Flags { return 0 }

func TestBadExporters(t *testing.T) {
	dir, files := source(t)
	data := dataFile(t, dir)
	const all = 1 << 30
	folders := 3
	errBroken := errors.New("broken")
	ok := func(r *connectors.Record) *connectors.Result { return r.Ok() }
	none := func(*connectors.Record) *connectors.Result { return nil }
	refuse := func(r *connectors.Record) *connectors.Result { return r.Error(errBroken) }
	for _, test := range []struct {
		name   string
		bad    badExporter
		failed int
		err    error
	}{
		{"good but for not closing its answers", badExporter{take: all, answer: ok}, 0, nil},
		{"answers nothing", badExporter{take: all, answer: none, closes: true}, len(files) + folders, nil},
		{"answers nothing and does not close", badExporter{take: all, answer: none}, len(files) + folders, nil},
		{"refuses all", badExporter{take: all, answer: refuse, closes: true}, len(files) + folders, nil},
		{"breaks off", badExporter{take: 2, answer: ok, closes: true, err: errBroken}, 0, errBroken},
		{"ends early", badExporter{take: 2, answer: ok, closes: true}, len(files) + folders - 2, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			result, err := restore(t, data, func(*connectors.Options) exporter.Exporter { return test.bad })
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			if result.Failed != test.failed {
				t.Errorf("%d failed, want %d: %v", result.Failed, test.failed, result.Failures)
			}
		})
	}
}

// badImporter fails without ending its records, as the client of a plugin does that has died.
type badImporter struct{ importer.Importer }

var errDied = errors.New("the plugin died")

func (badImporter) Import(context.Context, chan<- *connectors.Record, <-chan *connectors.Result) error {
	return errDied
}

func TestDeadImporter(t *testing.T) {
	dir, _ := source(t)
	dead := &checkedImporter{badImporter{fileImporter(t, dir)}, func(text string) string { return text }}
	if _, err := write(t, t.Context(), filepath.Join(t.TempDir(), "data.ptar"), dead); !errors.Is(err, errDied) {
		t.Errorf("error %v, want %v", err, errDied)
	}
}

// Whatever an importer says of an entry, the data file does not keep its secrets.
func TestSecretsOfImporters(t *testing.T) {
	cut := func(text string) string { return strings.ReplaceAll(text, "hunter22", "***") }
	in := []*connectors.Record{
		connectors.NewError("/a", errors.New("login with hunter22")),
		{Pathname: "/b", FileInfo: named("b"),
			Reader: io.NopCloser(io.MultiReader(strings.NewReader("b"), failingReader{errors.New("hunter22 out")}))},
		{Pathname: "/c", FileInfo: named("c"), Reader: io.NopCloser(strings.NewReader("c"))},
	}
	records := make(chan *connectors.Record, len(in))
	d := &checkedImporter{listed{in: in}, cut}
	if got, want := d.Origin(), "me:***@host"; got != want {
		t.Errorf("origin %q, want %q", got, want)
	}
	if err := d.Import(t.Context(), records, nil); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	for r := range records {
		if r.Err != nil {
			said.WriteString(r.Err.Error() + "\n")
			continue
		}
		content, err := io.ReadAll(r.Reader)
		said.Write(content)
		if err != nil {
			said.WriteString(" " + err.Error())
		}
		said.WriteString("\n")
	}
	if got, want := said.String(), "login with ***\nb *** out\nc\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func named(name string) objects.FileInfo { return objects.FileInfo{Lname: name, Lmode: 0o644} }

type listed struct {
	importer.Importer
	in []*connectors.Record
}

func (listed) Origin() string { return "me:hunter22@host" }

func (l listed) Import(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
	for _, r := range l.in {
		records <- r
	}
	close(records)
	return nil
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

func TestTallyIsBounded(t *testing.T) {
	counted := newTally(nil)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range maxFailures {
				counted.fail("/x", errDied)
			}
		})
	}
	all.Wait()
	if got := counted.result(); got.Failed != 4*maxFailures || len(got.Failures) != maxFailures {
		t.Errorf("%d failed, %d listed", got.Failed, len(got.Failures))
	}
}

// TestBoundedErrors keeps the errors of a source, and all that is printed of them, within bounds.
func TestBoundedErrors(t *testing.T) {
	page := strings.Repeat("ü", 4000)
	in := make([]*connectors.Record, 2000)
	for i := range in {
		in[i] = connectors.NewError(fmt.Sprintf("/e%d", i), errors.New(page))
	}
	records := make(chan *connectors.Record, len(in))
	same := func(text string) string { return text }
	if err := (&checkedImporter{listed{in: in}, same}).Import(t.Context(), records, nil); err != nil {
		t.Fatal(err)
	}
	counted := newTally(nil)
	for r := range records {
		text := r.Err.Error()
		if len(text) > maxMessage+20 || !utf8.ValidString(text) || !strings.HasSuffix(text, "... (8000 bytes)") {
			t.Fatalf("%d bytes that end in %q", len(text), text[len(text)-30:])
		}
		counted.fail(r.Pathname, errors.New(page)) // as an exporter, whose errors come by another way
	}
	text := 0
	got := counted.result()
	for _, f := range got.Failures {
		text += len(f.Path) + len(f.Error)
	}
	if got.Failed != len(in) || text > maxFailureText || text < maxFailureText/2 {
		t.Errorf("%d failed, listed with %d bytes", got.Failed, text)
	}
}

// TestNothing makes no data file of a source that brings nothing, but one of an empty folder.
func TestNothing(t *testing.T) {
	empty := &checkedImporter{listed{Importer: fileImporter(t, t.TempDir())}, func(text string) string { return text }}
	if _, err := write(t, t.Context(), filepath.Join(t.TempDir(), "data.ptar"), empty); !errors.Is(err, errNothing) {
		t.Errorf("nothing: error %v, want %v", err, errNothing)
	}
	folder := &checkedImporter{fileImporter(t, t.TempDir()), func(text string) string { return text }}
	if _, err := write(t, t.Context(), filepath.Join(t.TempDir(), "data.ptar"), folder); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
}
