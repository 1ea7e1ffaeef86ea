// Package imap_test runs the importer and the exporter against an IMAP server in memory.
package imap_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	kexporter "github.com/PlakarKorp/kloset/connectors/exporter"
	kimporter "github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"github.com/PlakarKorp/kpkg/examples/imap/exporter"
	"github.com/PlakarKorp/kpkg/examples/imap/importer"
)

var start = time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)

func config(address, user string) map[string]string {
	return map[string]string{"location": "imap://" + address, "username": user, "password": password, "tls": "none"}
}

func newImporter(t *testing.T, address, user string, excludes ...string) kimporter.Importer {
	t.Helper()
	options := &connectors.Options{MaxConcurrency: 4, Excludes: excludes}
	imp, err := importer.NewImporter(t.Context(), options, "imap", config(address, user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := imp.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return imp
}

func newExporter(t *testing.T, address, user string) kexporter.Exporter {
	t.Helper()
	exp, err := exporter.NewExporter(t.Context(), &connectors.Options{MaxConcurrency: 4}, "imap", config(address, user))
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

// literal is a message on its way into a mailbox.
type literal struct {
	*strings.Reader
}

func (l literal) Size() int64 { return l.Reader.Size() }

func add(t *testing.T, user *imapmemserver.User, mailbox, content string, flags ...imap.Flag) {
	t.Helper()
	options := &imap.AppendOptions{Time: start.Add(time.Duration(len(content)) * time.Minute), Flags: flags}
	if _, err := user.Append(mailbox, literal{strings.NewReader(content)}, options); err != nil {
		t.Fatal(err)
	}
}

func message(n int) string {
	return "Subject: test\r\n\r\n" + strings.Repeat("0123456789abcdef", n/16) + "\r\n"
}

// fill gives the account mailboxes with odd names, and messages.
func fill(t *testing.T, user *imapmemserver.User) {
	t.Helper()
	for _, name := range []string{"a/b", "Entwürfe & 文字", "tab\there", "x.eml", "100%", "..", "Empty"} {
		if err := user.Create(name, nil); err != nil {
			t.Fatal(err)
		}
		if name != "Empty" {
			add(t, user, name, message(len(name)))
		}
	}
	add(t, user, "INBOX", message(3<<20), imap.FlagFlagged, imap.FlagSeen, "$Forwarded")
	for i := range 1200 {
		add(t, user, "INBOX", message(16*i%4096), imap.FlagSeen)
	}
}

// gather runs an import with several readers, as plakar does, and wants no error in it.
func gather(t *testing.T, imp kimporter.Importer) ([]*connectors.Record, error) {
	t.Helper()
	all, err := gatherAll(t, imp)
	for _, record := range all {
		if record.Err != nil {
			t.Errorf("%s: %v", record.Pathname, record.Err)
		}
	}
	return all, err
}

// gatherAll runs an import whose messages may have any size.
func gatherAll(t *testing.T, imp kimporter.Importer) ([]*connectors.Record, error) {
	t.Helper()
	records := make(chan *connectors.Record, 4)
	var mu sync.Mutex
	var all []*connectors.Record
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for record := range records {
				if record.Reader != nil {
					content, err := io.ReadAll(record.Reader)
					record.Close()
					if size := record.FileInfo.Size(); err == nil && size != 0 && int64(len(content)) != size {
						err = fmt.Errorf("%d bytes, want %d", len(content), size)
					}
					record.Err = err
					record.Reader = io.NopCloser(strings.NewReader(string(content)))
				}
				mu.Lock()
				all = append(all, record)
				mu.Unlock()
			}
		})
	}
	err := imp.Import(t.Context(), records, nil)
	readers.Wait()
	slices.SortFunc(all, func(a, b *connectors.Record) int { return strings.Compare(a.Pathname, b.Pathname) })
	return all, err
}

// describe gives a line for each record, without what a restore changes: UIDs and their validity.
func describe(t *testing.T, records []*connectors.Record) map[string]int {
	t.Helper()
	lines := make(map[string]int)
	for _, record := range records {
		name, content := record.Pathname, ""
		if record.FileInfo.Lname != path.Base(name) {
			t.Errorf("%s has the name %q", name, record.FileInfo.Lname)
		}
		if record.Reader != nil {
			dir, base := path.Split(name)
			name = dir + base[len("0000000000-0000000000"):]
			all, err := io.ReadAll(record.Reader)
			if err != nil {
				t.Fatal(err)
			}
			content = string(all)
			record.Reader = io.NopCloser(strings.NewReader(content)) // for whoever reads it next
		}
		info := record.FileInfo
		lines[fmt.Sprintf("%s %v %v %q", name, info.Mode(), info.ModTime().UTC(), content)]++
	}
	return lines
}

// put exports records and returns what failed, by path.
func put(t *testing.T, exp kexporter.Exporter, all []*connectors.Record) map[string]error {
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

func wantSame(t *testing.T, got, want map[string]int) {
	t.Helper()
	for _, line := range slices.Sorted(maps.Keys(want)) {
		if got[line] != want[line] {
			t.Errorf("%d times, want %d: %.200s", got[line], want[line], line)
		}
	}
	for _, line := range slices.Sorted(maps.Keys(got)) {
		if want[line] == 0 {
			t.Errorf("too much: %.200s", line)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	s := startServer(t, 0)
	fill(t, s.joe)
	imp := newImporter(t, s.address, "joe")
	all, err := gather(t, imp)
	if err != nil {
		t.Fatal(err)
	}
	want := describe(t, all)
	var folders []string
	for _, record := range all {
		if record.FileInfo.IsDir() {
			folders = append(folders, record.Pathname)
		}
	}
	wantFolders := []string{
		"/", "/%2E%2E", "/100%25", "/Empty", "/Entwürfe & 文字", "/INBOX", "/a", "/a/b", "/tab%09here", "/x%2Eeml",
	}
	if !slices.Equal(folders, wantFolders) {
		t.Errorf("got folders %q, want %q", folders, wantFolders)
	}
	if len(all) != 10+6+1201 {
		t.Errorf("%d records, want %d", len(all), 10+6+1201)
	}

	again, err := gather(t, imp)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, describe(t, again), want)

	for name, err := range put(t, newExporter(t, s.address, "jim"), all) {
		t.Errorf("%s: %v", name, err)
	}
	restored, err := gather(t, newImporter(t, s.address, "jim"))
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, describe(t, restored), want)
}

func TestDroppedConnections(t *testing.T) {
	s := startServer(t, 0)
	fill(t, s.joe)
	all, err := gather(t, newImporter(t, s.address, "joe"))
	if err != nil {
		t.Fatal(err)
	}
	want := describe(t, all)

	bad := startLine(t, s.address, 200_000, 0)
	again, err := gather(t, newImporter(t, bad.address, "joe"))
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, describe(t, again), want)
	if n := bad.count(); n < 15 {
		t.Errorf("%d connections were cut, want 15 or more", n)
	}

	// One message at a time over a line that passes less than two of the large ones: it is cut within messages and
	// never after one, which would then be there twice.
	var large []*connectors.Record
	for i := range 4 {
		content := message(1<<20 + 16*i)
		large = append(large, newMessage(fmt.Sprintf("/INBOX/%d.eml", i), content))
	}
	bad = startLine(t, s.address, 0, 3<<19)
	options := &connectors.Options{MaxConcurrency: 1}
	exp, err := exporter.NewExporter(t.Context(), options, "imap", config(bad.address, "jim"))
	if err != nil {
		t.Fatal(err)
	}
	defer exp.Close(t.Context())
	for name, err := range put(t, exp, large) {
		t.Errorf("%s: %v", name, err)
	}
	if n := bad.count(); n < 3 {
		t.Errorf("%d connections were cut, want 3", n)
	}
	restored, err := gather(t, newImporter(t, s.address, "jim"))
	if err != nil {
		t.Fatal(err)
	}
	if len(restored) != 2+len(large) {
		t.Errorf("%d messages were stored, want %d", len(restored)-2, len(large))
	}
}

func newMessage(name, content string) *connectors.Record {
	return &connectors.Record{
		Pathname: name,
		FileInfo: objects.FileInfo{Lname: path.Base(name), Lsize: int64(len(content)), Lmode: 0o600, LmodTime: start},
		Reader:   io.NopCloser(strings.NewReader(content)),
	}
}

func TestCancel(t *testing.T) {
	s := startServer(t, 0)
	add(t, s.joe, "INBOX", message(100))
	add(t, s.joe, "INBOX", message(200))
	s.hanging = make(chan struct{})
	imp := newImporter(t, s.address, "joe")
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	records := make(chan *connectors.Record)
	result := make(chan error, 1)
	go func() { result <- imp.Import(ctx, records, nil) }()
	<-records // the root
	<-records // INBOX
	first := <-records

	// The import is still running: nobody has taken the second message.
	go func() {
		<-s.hanging
		cancel(why)
	}()
	_, err := first.Reader.Read(make([]byte, 1))
	if !errors.Is(err, why) {
		t.Errorf("a message was read after the import was cancelled: %v", err)
	}
	if err := <-result; !errors.Is(err, why) {
		t.Errorf("import ended with %v, want %v", err, why)
	}
}

func TestServerLimitsConnections(t *testing.T) {
	s := startServer(t, 2)
	fill(t, s.joe)
	all, err := gather(t, newImporter(t, s.address, "joe"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 10+6+1201 {
		t.Errorf("%d records, want %d", len(all), 10+6+1201)
	}
}

func TestIdleConnectionsThatDied(t *testing.T) {
	s := startServer(t, 0)
	line := startLine(t, s.address, 0, 0)
	imp, exp := newImporter(t, line.address, "joe"), newExporter(t, line.address, "joe")
	if _, err := gather(t, imp); err != nil {
		t.Fatal(err)
	}
	put(t, exp, nil)
	line.cut()
	if err := errors.Join(imp.Ping(t.Context()), exp.Ping(t.Context())); err != nil {
		t.Errorf("ping after the connections died: %v", err)
	}
}

func TestAbandonedMessages(t *testing.T) {
	s := startServer(t, 0)
	for range 20 { // would wait for ever if one kept its connection
		add(t, s.joe, "INBOX", message(1<<20))
	}
	records := make(chan *connectors.Record, 100)
	imp := newImporter(t, s.address, "joe")
	if err := imp.Import(t.Context(), records, nil); err != nil {
		t.Fatal(err)
	}
	for record := range records {
		if record.Reader == nil {
			continue
		}
		if _, err := record.Reader.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		if err := record.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestMessageThatIsGone(t *testing.T) {
	s := startServer(t, 0)
	add(t, s.joe, "INBOX", message(100))
	records := make(chan *connectors.Record, 10)
	line := startLine(t, s.address, 0, 0)
	imp := newImporter(t, line.address, "joe")
	if err := imp.Import(t.Context(), records, nil); err != nil {
		t.Fatal(err)
	}
	<-records // the root
	<-records // INBOX
	if err := s.joe.Delete("INBOX"); err != nil {
		t.Fatal(err)
	}
	if err := s.joe.Create("INBOX", nil); err != nil {
		t.Fatal(err)
	}
	line.cut() // on a connection that has it open, a mailbox may live on
	content, err := io.ReadAll((<-records).Reader)
	if err == nil || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("got %q, %v", content, err)
	}
}

func TestRoots(t *testing.T) {
	s := startServer(t, 0)
	fill(t, s.joe)
	for root, want := range map[string][]string{
		"/a":            {"/", "/a", "/a/b", "message"},
		"/a/b":          {"/", "/a", "/a/b", "message"},
		"/tab%2509here": {"/", "/tab%09here", "message"},
	} {
		c := config(s.address, "joe")
		c["location"] += root
		imp, err := importer.NewImporter(t.Context(), &connectors.Options{}, "imap", c)
		if err != nil {
			t.Fatal(err)
		}
		defer imp.Close(t.Context())
		all, err := gather(t, imp)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, record := range all {
			name := record.Pathname
			if record.Reader != nil {
				name = "message"
			}
			got = append(got, name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", root, got, want)
		}
	}

	c := config(s.address, "joe")
	c["location"] += "/missing"
	imp, err := importer.NewImporter(t.Context(), &connectors.Options{}, "imap", c)
	if err != nil {
		t.Fatal(err)
	}
	defer imp.Close(t.Context())
	if _, err := gather(t, imp); err == nil || !strings.Contains(err.Error(), "/missing") {
		t.Errorf("import of a missing folder gave error %v", err)
	}
}

func TestExcludes(t *testing.T) {
	s := startServer(t, 0)
	fill(t, s.joe)
	all, err := gather(t, newImporter(t, s.address, "joe", "/a", "INBOX", "/*%*", "/[Ex]*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].Pathname != "/" {
		t.Errorf("%d records, want the root alone: %s ...", len(all), all[len(all)-1].Pathname)
	}
}

func TestLogin(t *testing.T) {
	s := startServer(t, 0)
	const wrong = "hunter2"
	c := config(s.address, "joe")
	c["password"] = wrong
	_, importErr := importer.NewImporter(t.Context(), &connectors.Options{}, "imap", c)
	_, exportErr := exporter.NewExporter(t.Context(), &connectors.Options{}, "imap", c)
	for _, err := range []error{importErr, exportErr} {
		if err == nil || !strings.Contains(err.Error(), "joe") || strings.Contains(err.Error(), wrong) {
			t.Errorf("a wrong password gave error %v", err)
		}
	}
	c = config(s.address, "joe")
	delete(c, "tls") // and so TLS, which the server does not speak
	if _, err := importer.NewImporter(t.Context(), &connectors.Options{}, "imap", c); err == nil {
		t.Error("logged in without TLS")
	}
}

func TestExportRefuses(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	s := startServer(t, 0)
	link := newMessage("/INBOX/link.eml", "")
	link.FileInfo.Lmode, link.Target = fs.ModeSymlink, "1.eml"
	broken := newMessage("/INBOX/broken.eml", "")
	why := errors.New("the snapshot is damaged")
	broken.Reader = io.NopCloser(io.MultiReader(strings.NewReader(message(2<<20)), failing{why}))
	attribute := &connectors.Record{Pathname: "/INBOX/1.eml", IsXattr: true, XattrName: "user.x"}
	failed := put(t, newExporter(t, s.address, "jim"), []*connectors.Record{
		newMessage("/INBOX/1.eml", message(1)),
		newMessage("/new/2.eml", message(2)), // its folder did not come first
		newMessage("/nowhere.eml", message(3)),
		newMessage("/../INBOX/../INBOX/4.eml", message(4)),
		newMessage("/INBOX/notes.txt", "not a message"),
		link, broken, attribute,
	})
	got := slices.Sorted(maps.Keys(failed))
	want := []string{"/INBOX/broken.eml", "/INBOX/link.eml", "/INBOX/notes.txt", "/nowhere.eml"}
	if !slices.Equal(got, want) || !errors.Is(failed["/INBOX/broken.eml"], why) {
		t.Errorf("failed: %v, want %q", failed, want)
	}
	all, err := gather(t, newImporter(t, s.address, "jim"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 3+3 {
		t.Errorf("%d messages were stored, want 3", len(all)-3)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
