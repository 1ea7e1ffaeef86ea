package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/textproto"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/jlaffaye/ftp"
	"github.com/spf13/afero"
)

// newImporter is an importer of location, with as many readers as plakar has on four cores.
func newImporter(t *testing.T, location string, options ...string) *Importer {
	t.Helper()
	config := map[string]string{"location": location}
	for i := 0; i < len(options); i += 2 {
		config[options[i]] = options[i+1]
	}
	imp, err := NewImporter(t.Context(), &connectors.Options{MaxConcurrency: 4}, "ftp", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := imp.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return imp.(*Importer)
}

// collect runs an import with several readers, as plakar does, and describes each record in one line by path:
// "dir", "file CONTENT", "link TARGET", "error: MESSAGE".
func collect(t *testing.T, imp *Importer) (map[string]string, error) {
	t.Helper()
	records := make(chan *connectors.Record, 4)
	got := make(map[string]string)
	var mu sync.Mutex
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for record := range records {
				line := describe(record)
				mu.Lock()
				// A folder that cannot be listed comes, and so does why, to readers of which either may be the first.
				switch before, twice := got[record.Pathname]; {
				case !twice || record.Err != nil:
					got[record.Pathname] = line
				case !strings.HasPrefix(before, "error: "):
					t.Errorf("%s came twice", record.Pathname)
				}
				mu.Unlock()
			}
		})
	}
	err := imp.Import(t.Context(), records, nil)
	readers.Wait()
	return got, err
}

func describe(record *connectors.Record) string {
	if record.Err != nil {
		return "error: " + record.Err.Error()
	}
	defer record.Close()
	switch {
	case record.FileInfo.Lname != path.Base(record.Pathname):
		return "misnamed " + record.FileInfo.Lname
	case record.FileInfo.IsDir():
		return "dir"
	case record.Target != "":
		return "link " + record.Target
	}
	content, err := io.ReadAll(record.Reader)
	if err != nil {
		return "unreadable: " + err.Error()
	}
	return "file " + string(content)
}

func wantRecords(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, line := range want {
		if got[name] != line {
			t.Errorf("%s: got %.80q, want %.80q", name, got[name], line)
		}
	}
	for name, line := range got {
		if _, found := want[name]; !found {
			t.Errorf("%s: got %.80q, want nothing", name, line)
		}
	}
}

// tree is what the real server serves: folder "/", "/data" and what stands here.
var tree = map[string]string{
	"/data/plain.txt":            "hello",
	"/data/empty":                "",
	"/data/.hidden":              "you see me",
	"/data/two words":            "a space",
	"/data/ leading":             "a leading space",
	"/data/[x]*?":                "a pattern to LIST",
	"/data/-la":                  "an option to LIST",
	"/data/déjà vu":              "UTF-8",
	"/data/a;b=c; d":             "facts?",
	"/data/sub folder/deep/file": strings.Repeat("0123456789abcdef", 1<<16),
	"/other":                     "not below /data",
}

func writeTree(t *testing.T) afero.Fs {
	t.Helper()
	root := t.TempDir()
	for name, content := range tree {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "data/nothing here"), 0o755); err != nil {
		t.Fatal(err)
	}
	return afero.NewReadOnlyFs(afero.NewBasePathFs(afero.NewOsFs(), root))
}

// wantTree is what an import of root gives of tree.
func wantTree(root string) map[string]string {
	want := map[string]string{
		"/": "dir", "/data": "dir", "/data/nothing here": "dir", "/data/sub folder": "dir", "/data/sub folder/deep": "dir",
	}
	for name, content := range tree {
		want[name] = "file " + content
	}
	for name := range want {
		if !isBelow(name, root) && !isBelow(root, name) {
			delete(want, name)
		}
	}
	return want
}

func isBelow(name, dir string) bool {
	return dir == "/" || name == dir || strings.HasPrefix(name, dir+"/")
}

func TestImport(t *testing.T) {
	servers := map[string]ftpserver.Settings{
		"MLSD":                   {},
		"LIST":                   {DisableMLSD: true, DisableMLST: true},
		"LIST without options":   {DisableMLSD: true, DisableMLST: true, DisableLISTArgs: true},
		"MLSD announced in vain": {DisableMLSD: true},
	}
	for name, settings := range servers {
		t.Run(name, func(t *testing.T) {
			address := serve(t, writeTree(t), settings)
			for _, root := range []string{"/", "/data", "/data/sub folder", "/data/nothing here", "/other", "/data/ leading"} {
				imp := newImporter(t, "ftp://"+address+strings.ReplaceAll(root, " ", "%20"))
				if imp.Root() != root {
					t.Errorf("root is %q, want %q", imp.Root(), root)
				}
				got, err := collect(t, imp)
				if err != nil {
					t.Errorf("%s: %v", root, err)
				}
				wantRecords(t, got, wantTree(root))
			}
		})
	}
}

func TestImportTwice(t *testing.T) {
	imp := newImporter(t, "ftp://"+serve(t, writeTree(t), ftpserver.Settings{})+"/data")
	for range 2 {
		got, err := collect(t, imp)
		if err != nil {
			t.Fatal(err)
		}
		wantRecords(t, got, wantTree("/data"))
	}
}

func TestMissingRootIsAnError(t *testing.T) {
	address := serve(t, writeTree(t), ftpserver.Settings{})
	got, err := collect(t, newImporter(t, "ftp://"+address+"/data/missing"))
	if err == nil || !strings.Contains(err.Error(), "/data/missing") {
		t.Errorf("import of a missing folder gave error %v", err)
	}
	if len(got) != 0 {
		t.Errorf("and the records %v", got)
	}
}

func TestExcludes(t *testing.T) {
	s := &script{features: "MLST type*;", mlsd: map[string]string{
		"/": "type=dir; skipped\r\ntype=file; kept\r\n",
	}, retr: func(string) (string, string) { return "", "226 done" }}
	imp, err := NewImporter(t.Context(), &connectors.Options{Excludes: []string{"skipped"}}, "ftp",
		map[string]string{"location": "ftp://" + s.start(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer imp.Close(t.Context())
	got, err := collect(t, imp.(*Importer))
	if err != nil {
		t.Fatal(err)
	}
	// Had the folder been listed, the refusal would be an error record.
	wantRecords(t, got, map[string]string{"/": "dir", "/kept": "file "})
}

func TestLogin(t *testing.T) {
	address := serve(t, writeTree(t), ftpserver.Settings{})
	newImporter(t, "ftp://"+address)
	newImporter(t, "ftp://"+testUser+"@"+address, "password", testPassword)
	newImporter(t, "ftp://ignored@"+address, "username", testUser, "password", testPassword)

	const wrong = "hunter2"
	echo := (&script{login: "530 wrong password " + wrong}).start(t)
	for _, address := range []string{address, echo} {
		_, err := NewImporter(t.Context(), &connectors.Options{}, "ftp",
			map[string]string{"location": "ftp://" + testUser + "@" + address, "password": wrong})
		if err == nil || !strings.Contains(err.Error(), testUser) {
			t.Errorf("wrong password gave error %v", err)
		} else if strings.Contains(err.Error(), wrong) {
			t.Errorf("error shows the password: %v", err)
		}
	}

	_, err := NewImporter(t.Context(), &connectors.Options{}, "ftp",
		map[string]string{"location": "ftp://" + testUser + "@" + address})
	var refusal *textproto.Error
	if !errors.As(err, &refusal) || refusal.Code != ftp.StatusNotLoggedIn {
		t.Errorf("no password gave error %v, want the server's refusal", err)
	}
}

func TestListingsThatLie(t *testing.T) {
	s := &script{
		features: "MLST type*;size*;modify*;",
		mlsd: map[string]string{
			"/": "type=cdir;modify=20200102030405; .\r\ntype=pdir; ..\r\n" +
				"type=file;size=2; good\r\n" +
				"type=dir; locked\r\n" +
				"type=file; ../../etc/passwd\r\n" +
				"type=dir; ..\r\n" +
				"type=file; caf\xe9\r\n" +
				"type=file;size=-1; negative\r\n" +
				"type=file;modify=yesterday; undated\r\n" +
				"type=OS.unix=chr; device\r\n" +
				"nonsense\r\n" +
				"type=OS.unix=slink:elsewhere; told\r\n" +
				"type=OS.unix=symlink; asked\r\n" +
				"type=OS.unix=symlink; untold\r\n",
		},
		list: map[string]string{
			"/": "total 4\r\nlrwxrwxrwx 1 u g 4 Jan  1 2020 asked -> good\r\n",
		},
		retr: func(string) (string, string) { return "ok", "226 done" },
	}
	imp := newImporter(t, "ftp://"+s.start(t))

	records := make(chan *connectors.Record, 100)
	if err := imp.Import(t.Context(), records, nil); err != nil {
		t.Fatal(err)
	}
	var flaws []string
	got := make(map[string]string)
	for record := range records {
		if record.Pathname == "/" && record.Err != nil {
			flaws = append(flaws, record.Err.Error())
			continue
		}
		if record.Pathname == "/" && !record.FileInfo.ModTime().Equal(time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)) {
			t.Errorf("the root's time is %v", record.FileInfo.ModTime())
		}
		got[record.Pathname] = describe(record)
	}
	wantRecords(t, got, map[string]string{
		"/":         "dir",
		"/good":     "file ok",
		"/negative": "file ok",
		"/undated":  "file ok",
		"/locked":   `error: list /locked: 550 "no such folder"`,
		"/device":   `error: /device: neither file, folder nor symbolic link but "os.unix=chr"`,
		"/told":     "link elsewhere",
		"/asked":    "link good",
		"/untold":   "error: /untold: the server does not say where this symbolic link points",
	})
	for _, part := range []string{"passwd", `caf\xe9`, "nonsense"} {
		if !slices.ContainsFunc(flaws, func(flaw string) bool { return strings.Contains(flaw, part) }) {
			t.Errorf("no error record tells of %s: %q", part, flaws)
		}
	}
}

func TestListLinesNotUnderstood(t *testing.T) {
	s := &script{list: map[string]string{
		"/": "total 8\r\n-rw-r--r-- 1 u g 2 Jan  1 2020 good\r\nprw-r--r-- 1 u g 0 Jan  1 2020 pipe\r\n" +
			"nothing that ls says\r\n-rw-r--r-- 1 u g 2 Jan  1 2020 good\r\n",
	}}
	records := make(chan *connectors.Record, 10)
	if err := newImporter(t, "ftp://"+s.start(t)).Import(t.Context(), records, nil); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for record := range records {
		lines = append(lines, fmt.Sprint(record.Pathname, " ", record.Err))
	}
	want := []string{
		"/ <nil>",
		`/ list /: line "nothing that ls says": this is not understood; ` +
			`line "-rw-r--r-- 1 u g 2 Jan  1 2020 good": the server lists this name twice`,
		"/good <nil>",
		`/pipe /pipe: neither file, folder nor symbolic link but "pipe"`,
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
}

func TestTransferThatServerGivesUp(t *testing.T) {
	s := &script{
		features: "MLST type*;",
		mlsd:     map[string]string{"/": "type=file;size=10; cut\r\n"},
		retr:     func(string) (string, string) { return "01234", "426 disk on fire" },
	}
	got, err := collect(t, newImporter(t, "ftp://"+s.start(t)))
	if err != nil {
		t.Fatal(err)
	}
	wantRecords(t, got, map[string]string{"/": "dir", "/cut": `unreadable: read /cut: 426 "disk on fire"`})
}

func TestPassiveHostIsIgnored(t *testing.T) {
	s := &script{
		features: "MLST type*;",
		mlsd:     map[string]string{"/": "type=file; f\r\n"},
		retr:     func(string) (string, string) { return "ok", "226 done" },
		pasv:     "192,0,2,1", // reserved for documentation (RFC 5737): nothing answers there
	}
	got, err := collect(t, newImporter(t, "ftp://"+s.start(t)))
	if err != nil {
		t.Fatal(err)
	}
	wantRecords(t, got, map[string]string{"/": "dir", "/f": "file ok"})
}

func TestIdleConnectionsThatDied(t *testing.T) {
	p := startProxy(t, serve(t, writeTree(t), ftpserver.Settings{}))
	imp := newImporter(t, "ftp://"+p.Addr().String()+"/data")
	if n := p.cut(); n != 1 {
		t.Fatalf("%d connections before the import, want 1", n)
	}
	got, err := collect(t, imp)
	if err != nil {
		t.Fatal(err)
	}
	wantRecords(t, got, wantTree("/data"))
	p.cut()
	if err := imp.Ping(t.Context()); err != nil {
		t.Errorf("ping after the connections died: %v", err)
	}
}

func TestCancel(t *testing.T) {
	for _, command := range []string{"MLSD", "RETR"} {
		t.Run(command, func(t *testing.T) {
			s := &script{
				features: "MLST type*;",
				mlsd:     map[string]string{"/": "type=file; f\r\ntype=file; g\r\n"},
				hang:     command,
				hanging:  make(chan struct{}, 1),
			}
			imp := newImporter(t, "ftp://"+s.start(t))
			ctx, cancel := context.WithCancelCause(t.Context())
			why := errors.New("enough")
			records := make(chan *connectors.Record)
			result := make(chan error, 1)
			go func() { result <- imp.Import(ctx, records, nil) }()
			go func() {
				<-s.hanging
				cancel(why)
			}()
			if command == "RETR" {
				<-records // the root
				file := <-records
				// The import is still running: nobody has taken the second file.
				if _, err := file.Reader.Read(make([]byte, 1)); err == nil {
					t.Error("a transfer went on after the import was cancelled")
				}
			}
			if err := <-result; !errors.Is(err, why) {
				t.Errorf("import ended with %v, want %v", err, why)
			}
		})
	}
}

func TestCancelLogin(t *testing.T) {
	s := &script{hang: "USER", hanging: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-s.hanging
		cancel()
	}()
	_, err := NewImporter(ctx, &connectors.Options{}, "ftp", map[string]string{"location": "ftp://" + s.start(t)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("login ended with %v", err)
	}
}

func TestCloseEndsTransfers(t *testing.T) {
	imp := newImporter(t, "ftp://"+serve(t, writeTree(t), ftpserver.Settings{})+"/data")
	name := "/data/sub folder/deep/file"
	reader, err := imp.open(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := imp.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, reader); err == nil {
		t.Error("a transfer went on after Close")
	}
	if _, err := imp.open(name); !errors.Is(err, errClosed) {
		t.Errorf("opening after Close gave %v", err)
	}
}

func TestAbandonedReaders(t *testing.T) {
	imp := newImporter(t, "ftp://"+serve(t, writeTree(t), ftpserver.Settings{})+"/data")
	for range 3 * maxConnections { // would wait for ever if one kept its connection
		reader, err := imp.open("/data/sub folder/deep/file")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reader.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFileInfo(t *testing.T) {
	s := &script{features: "MLST type*;", mlsd: map[string]string{
		"/": "type=file;size=7;modify=20200102030405.5;UNIX.mode=04640;UNIX.owner=12;UNIX.group=34;" +
			"UNIX.ownername=joe;UNIX.groupname=staff; f\r\n",
	}}
	records := make(chan *connectors.Record, 10)
	if err := newImporter(t, "ftp://"+s.start(t)).Import(t.Context(), records, nil); err != nil {
		t.Fatal(err)
	}
	<-records
	info := (<-records).FileInfo
	got := fmt.Sprint(info.Size(), info.Mode(), info.ModTime().UTC(),
		info.Uid(), info.Gid(), info.Username(), info.Groupname(), info.Nlink())
	want := fmt.Sprint(7, fs.ModeSetuid|0o640, time.Date(2020, 1, 2, 3, 4, 5, 5e8, time.UTC), 12, 34, "joe", "staff", 1)
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
