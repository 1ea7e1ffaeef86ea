package connector

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"
)

var someTime = time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)

func newExporter(t *testing.T, acc account) *Exporter {
	t.Helper()
	exp, err := exportTo(t.Context(), &connectors.Options{MaxConcurrency: 4}, acc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := exp.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return exp
}

func accountOf(t *testing.T, location string) account {
	t.Helper()
	acc, err := newAccount("ftp", map[string]string{"location": location})
	if err != nil {
		t.Fatal(err)
	}
	return acc
}

func newFolder(name string) *connectors.Record {
	return &connectors.Record{
		Pathname: name,
		FileInfo: objects.FileInfo{Lname: filepath.Base(name), Lmode: fs.ModeDir | 0o755, LmodTime: someTime},
	}
}

func newFile(name, content string) *connectors.Record {
	return &connectors.Record{
		Pathname: name,
		FileInfo: objects.FileInfo{
			Lname: filepath.Base(name), Lsize: int64(len(content)), Lmode: 0o644, LmodTime: someTime,
		},
		Reader: io.NopCloser(strings.NewReader(content)),
	}
}

// put exports records and returns what failed, by path.
func put(t *testing.T, exp *Exporter, all ...*connectors.Record) map[string]error {
	t.Helper()
	records := make(chan *connectors.Record)
	results := make(chan *connectors.Result)
	go func() {
		defer close(records)
		for _, record := range all {
			records <- record
		}
	}()
	failed := make(map[string]error)
	answered := make(chan int)
	go func() {
		n := 0
		for result := range results {
			n++
			if result.Err != nil {
				failed[result.Record.Pathname] = result.Err
			}
		}
		answered <- n
	}()
	if err := exp.Export(t.Context(), records, results); err != nil {
		t.Error(err)
	}
	if n := <-answered; n != len(all) {
		t.Errorf("%d answers to %d records", n, len(all))
	}
	return failed
}

// read gives the content of each file below dir, and "dir" for each folder, by path.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		content := []byte("dir")
		if !d.IsDir() {
			if content, err = os.ReadFile(name); err != nil {
				return err
			}
		}
		rel, err := filepath.Rel(dir, name)
		found["/"+filepath.ToSlash(rel)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantFiles(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := read(t, dir)
	for name, content := range want {
		if got[name] != content {
			t.Errorf("%s: got %.40q, want %.40q", name, got[name], content)
		}
	}
	for name, content := range got {
		if _, found := want[name]; !found {
			t.Errorf("%s: got %.40q, want nothing", name, content)
		}
	}
}

func wantNoErrors(t *testing.T, failed map[string]error) {
	t.Helper()
	for name, err := range failed {
		t.Errorf("%s: %v", name, err)
	}
}

func TestExport(t *testing.T) {
	certificate, roots := selfSigned(t)
	for _, tls := range []security{plain, explicitTLS, implicitTLS} {
		t.Run(string(tls), func(t *testing.T) {
			dir := t.TempDir()
			acc := accountOf(t, "ftp://"+serveTLS(t, dir, tls, certificate)+"/to/here")
			acc.security, acc.roots = tls, roots
			records := []*connectors.Record{newFolder("/")}
			want := map[string]string{"/to": "dir", "/to/here": "dir"}
			deep := ""
			for i := range 60 {
				deep += fmt.Sprintf("/level %d", i)
				records = append(records, newFolder(deep))
				want["/to/here"+deep] = "dir"
			}
			for _, name := range []string{
				"/plain.txt", "/.hidden", "/two words", "/ leading", "/[x]*?", "/-la", "/déjà vu", "/a;b=c; d",
				deep + "/file",
			} {
				records = append(records, newFile(name, "this is "+name))
				want["/to/here"+name] = "this is " + name
			}
			for i := range 100 {
				name := fmt.Sprintf("/f%d", i)
				records = append(records, newFile(name, strings.Repeat("x", i*997)))
				want["/to/here"+name] = strings.Repeat("x", i*997)
			}
			large := strings.Repeat("0123456789abcdef", 1<<18)
			records, want["/to/here/large"] = append(records, newFile("/large", large)), large

			exp := newExporter(t, acc)
			wantNoErrors(t, put(t, exp, records...))
			wantFiles(t, dir, want)
			for _, name := range []string{"to/here/plain.txt", "to/here/large"} {
				info, err := os.Stat(filepath.Join(dir, name))
				if err != nil || !info.ModTime().Equal(someTime) {
					t.Errorf("%s: time %v, %v", name, info.ModTime().UTC(), err)
				}
			}

			// And over what is there.
			want["/to/here/plain.txt"] = "new"
			wantNoErrors(t, put(t, exp, newFolder("/"), newFolder("/level 0"), newFile("/plain.txt", "new")))
			wantFiles(t, dir, want)

			// And back.
			imp, err := importFrom(t.Context(), &connectors.Options{MaxConcurrency: 4}, acc)
			if err != nil {
				t.Fatal(err)
			}
			defer imp.Close(t.Context())
			got, err := collect(t, imp)
			if err != nil {
				t.Fatal(err)
			}
			wantBack := map[string]string{"/": "dir"}
			for name, content := range want {
				wantBack[name] = content
				if content != "dir" {
					wantBack[name] = "file " + content
				}
			}
			wantRecords(t, got, wantBack)
		})
	}
}

func TestCertificateIsChecked(t *testing.T) {
	certificate, _ := selfSigned(t)
	for _, tls := range []security{explicitTLS, implicitTLS} {
		acc := accountOf(t, "ftp://"+serveTLS(t, t.TempDir(), tls, certificate))
		acc.security = tls
		_, err := importFrom(t.Context(), &connectors.Options{}, acc)
		if err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: a certificate that nobody signed gave error %v", tls, err)
		}
	}
}

func TestExportRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	exp := newExporter(t, accountOf(t, "ftp://"+serveFolder(t, dir)))
	link := newFile("/link", "")
	link.FileInfo.Lmode, link.Target = fs.ModeSymlink|0o777, "good"
	why := errors.New("the snapshot is damaged")
	broken := newFile("/broken", "")
	broken.Reader = io.NopCloser(io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), failing{why}))
	xattr := &connectors.Record{Pathname: "/good", IsXattr: true, XattrName: "user.x"}

	failed := put(t, exp, newFolder("/"), newFile("/good", "good"), link, broken, xattr,
		newFile("/no such folder/f", ""), newFile("/folder", "not over a folder"), newFile("/line\r\nbreak", ""),
		newFile("/../../up", "confined"), newFile("/good too", "good"))
	got := slices.Sorted(maps.Keys(failed))
	want := []string{"/broken", "/folder", "/line\r\nbreak", "/link", "/no such folder/f"}
	if !slices.Equal(got, want) || !errors.Is(failed["/broken"], why) {
		t.Errorf("failed: %v, want %q", failed, want)
	}
	wantFiles(t, dir, map[string]string{"/folder": "dir", "/good": "good", "/good too": "good", "/up": "confined"})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// onlyToFreeNames is a file system like that of servers on Windows.
type onlyToFreeNames struct{ afero.Fs }

func (f onlyToFreeNames) Rename(from, to string) error {
	if _, err := f.Stat(to); err == nil {
		return fs.ErrExist
	}
	return f.Fs.Rename(from, to)
}

func TestServerThatRenamesToFreeNamesOnly(t *testing.T) {
	dir := t.TempDir()
	files := onlyToFreeNames{afero.NewBasePathFs(afero.NewOsFs(), dir)}
	exp := newExporter(t, accountOf(t, "ftp://"+serve(t, files, ftpserver.Settings{})))
	wantNoErrors(t, put(t, exp, newFolder("/"), newFolder("/folder"), newFile("/f", "old")))
	wantNoErrors(t, put(t, exp, newFolder("/"), newFile("/f", "new")))
	if failed := put(t, exp, newFile("/folder", "")); len(failed) != 1 {
		t.Errorf("a file took the place of a folder")
	}
	wantFiles(t, dir, map[string]string{"/folder": "dir", "/f": "new"})
}

func TestExportAfterIdleConnectionsDied(t *testing.T) {
	dir := t.TempDir()
	p := startProxy(t, serveFolder(t, dir))
	exp := newExporter(t, accountOf(t, "ftp://"+p.Addr().String()))
	p.cut()
	wantNoErrors(t, put(t, exp, newFile("/f", "f")))
	wantFiles(t, dir, map[string]string{"/f": "f"})
}

// TestCancelExport cancels in the middle of a file: it must not be there, nor what was sent of it.
func TestCancelExport(t *testing.T) {
	dir := t.TempDir()
	exp := newExporter(t, accountOf(t, "ftp://"+serveFolder(t, dir)))
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	file := newFile("/f", "")
	file.Reader = io.NopCloser(io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), endless{func() { cancel(why) }}))
	records := make(chan *connectors.Record, 1)
	records <- file
	if err := exp.Export(ctx, records, make(chan *connectors.Result)); !errors.Is(err, why) {
		t.Errorf("export ended with %v, want %v", err, why)
	}
	wantFiles(t, dir, map[string]string{})
}

// endless goes on for ever, after it has called f.
type endless struct{ f func() }

func (e endless) Read(p []byte) (int, error) {
	e.f()
	return len(p), nil
}

// serveFolder serves a folder that can be written.
func serveFolder(t *testing.T, dir string) string {
	t.Helper()
	return serve(t, afero.NewBasePathFs(afero.NewOsFs(), dir), ftpserver.Settings{})
}

// serveTLS is serveFolder with TLS, if any.
func serveTLS(t *testing.T, dir string, security security, certificate tls.Certificate) string {
	t.Helper()
	settings := ftpserver.Settings{}
	switch security {
	case explicitTLS:
		settings.TLSRequired = ftpserver.MandatoryEncryption
	case implicitTLS:
		settings.TLSRequired = ftpserver.ImplicitEncryption
	}
	return serveWith(t, &driver{
		files: afero.NewBasePathFs(afero.NewOsFs(), dir), settings: &settings, certificate: certificate,
	})
}
