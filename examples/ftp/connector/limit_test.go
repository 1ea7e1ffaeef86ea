package connector

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/jlaffaye/ftp"
	"github.com/spf13/afero"
)

// manyFiles is what servers with few connections serve: more files than connections, a folder, links without targets.
func manyFiles() (*script, map[string]string) {
	s := &script{
		features: "MLST type*;",
		mlsd:     map[string]string{"/": "type=dir; sub\r\n", "/sub": "type=OS.unix=symlink; l\r\ntype=file; last\r\n"},
		list:     map[string]string{"/sub": "lrwxrwxrwx 1 u g 4 Jan  1 2020 l -> target\r\n"},
		retr:     func(string) (string, string) { return "ok", "226 done" },
	}
	want := map[string]string{"/": "dir", "/sub": "dir", "/sub/l": "link target", "/sub/last": "file ok"}
	for i := range 30 {
		name := fmt.Sprintf("f%d", i)
		s.mlsd["/"] += "type=file; " + name + "\r\n"
		want["/"+name] = "file ok"
	}
	return s, want
}

// TestFewConnections holds what servers say to one connection too many.
func TestFewConnections(t *testing.T) {
	for _, limit := range []int{1, 2} {
		for _, full := range []string{
			"421 Too many connections (2) from this IP", "421 Service not available", "530 Sorry, no", "500 go away",
			"550 too many users", "", // it hangs up without a word
		} {
			t.Run(fmt.Sprint(limit, " ", full), func(t *testing.T) {
				t.Parallel()
				s, want := manyFiles()
				s.limit, s.full = limit, full
				got, err := collect(t, newImporter(t, "ftp://"+s.start(t)))
				if err != nil {
					t.Fatal(err)
				}
				wantRecords(t, got, want)
			})
		}
	}
}

// TestFewTransfers is of servers that let us in and refuse transfers, before or after they have begun: each of some files as often
// as one can be refused before that counts.
func TestFewTransfers(t *testing.T) {
	for _, full := range []string{
		"421 Too many transfers", "425 Can't open data connection", "450 Too many transfers for this user",
		"530 maximum number of connections reached",
	} {
		t.Run(full, func(t *testing.T) {
			t.Parallel()
			s, want := manyFiles()
			var mu sync.Mutex
			refused := make(map[string]int)
			s.retr = func(name string) (string, string) {
				mu.Lock()
				defer mu.Unlock()
				if strings.HasSuffix(name, "1") && refused[name] < maxTries-1 {
					refused[name]++
					return "", full
				}
				return "ok", "226 done"
			}
			got, err := collect(t, newImporter(t, "ftp://"+s.start(t)))
			if err != nil {
				t.Fatal(err)
			}
			wantRecords(t, got, want)
		})
	}
}

// TestFewerConnectionsAreNoTry: what is refused while others are at it is asked again until it is alone, and only then for so many
// times.
func TestFewerConnectionsAreNoTry(t *testing.T) {
	s, _ := manyFiles()
	imp := newImporter(t, "ftp://"+s.start(t))
	var others []*conn
	for range 3 {
		c, err := imp.pool.get(t.Context(), either)
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, c)
	}
	refusals := len(others) - 1 + maxTries - 1
	err := imp.pool.do(t.Context(), either, func(c *conn) error {
		if len(others) > 0 {
			imp.pool.put(others[0], nil)
			others = others[1:]
		}
		if refusals == 0 {
			return nil
		}
		refusals--
		return &textproto.Error{Code: ftp.StatusCanNotOpenDataConnection, Msg: "no"}
	})
	if err != nil {
		t.Errorf("%v, with %d refusals to come", err, refusals)
	}
}

// TestRefusedTransfer: what a server refuses every time is an error of that file.
func TestRefusedTransfer(t *testing.T) {
	for _, reply := range []string{"425 no", "550 no", "451 no"} {
		s := &script{
			features: "MLST type*;",
			mlsd:     map[string]string{"/": "type=file; no\r\ntype=file; yes\r\n"},
			retr: func(name string) (string, string) {
				if name == "/no" {
					return "", reply
				}
				return "ok", "226 done"
			},
		}
		got, err := collect(t, newImporter(t, "ftp://"+s.start(t)))
		if err != nil {
			t.Fatal(err)
		}
		wantRecords(t, got, map[string]string{
			"/": "dir", "/yes": "file ok", "/no": fmt.Sprintf("unreadable: read /no: %s %q", reply[:3], "no"),
		})
	}
}

// TestWrongPasswordIsNotRetried: to do so locks people out.
func TestWrongPasswordIsNotRetried(t *testing.T) {
	for _, reply := range []string{"530 Login incorrect", "530 Too many failed login attempts", "530 maximum of wrong passwords"} {
		s := &script{login: reply}
		_, err := NewImporter(t.Context(), &connectors.Options{}, "ftp", map[string]string{"location": "ftp://" + s.start(t)})
		if err == nil {
			t.Errorf("%s: logged in", reply)
		}
		s.mu.Lock()
		if s.logins != 1 {
			t.Errorf("%s: %d logins", reply, s.logins)
		}
		s.mu.Unlock()
	}
}

// TestRefusedUser: the code of a refusal is known also where the library drops it.
func TestRefusedUser(t *testing.T) {
	s := &script{user: "530 nobody of that name"}
	_, err := NewImporter(t.Context(), &connectors.Options{}, "ftp", map[string]string{"location": "ftp://" + s.start(t)})
	var refusal *textproto.Error
	if !errors.As(err, &refusal) || refusal.Code != 530 || refusal.Msg != "nobody of that name" {
		t.Errorf("got %v, want the server's refusal", err)
	}
}

// TestConnectionsOfBefore is of a server that still counts a connection that has ended.
func TestConnectionsOfBefore(t *testing.T) {
	for _, full := range []string{
		"421 Too many connections", "530 Sorry, the maximum number of clients (1) for this user are already connected.",
	} {
		s, _ := manyFiles()
		s.limit, s.full = 1, full
		address := s.start(t)
		first := newImporter(t, "ftp://"+address)
		time.AfterFunc(300*time.Millisecond, func() { first.Close(context.Background()) })
		newImporter(t, "ftp://"+address)
	}
}

// fewDriver is a server's that allows few logins.
type fewDriver struct {
	driver
	limit   int
	atLogin bool // it says so after the password, else before the user

	mu    sync.Mutex
	users map[uint32]bool
	most  int
}

func (d *fewDriver) enter(client ftpserver.ClientContext) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.users) >= d.limit {
		return errors.New("Sorry, no more connections")
	}
	d.users[client.ID()] = true
	d.most = max(d.most, len(d.users))
	return nil
}

func (d *fewDriver) ClientConnected(client ftpserver.ClientContext) (string, error) {
	if d.atLogin {
		return "hello", nil
	}
	if err := d.enter(client); err != nil {
		return err.Error(), err
	}
	return "hello", nil
}

func (d *fewDriver) AuthUser(client ftpserver.ClientContext, user, password string) (ftpserver.ClientDriver, error) {
	if d.atLogin {
		if err := d.enter(client); err != nil {
			return nil, err
		}
	}
	return d.driver.AuthUser(client, user, password)
}

func (d *fewDriver) ClientDisconnected(client ftpserver.ClientContext) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.users, client.ID())
}

// TestRealServerWithFewConnections restores many files to a server that allows one or two connections, and backs them up.
func TestRealServerWithFewConnections(t *testing.T) {
	for _, limit := range []int{1, 2} {
		for _, atLogin := range []bool{false, true} {
			t.Run(fmt.Sprint(limit, " at login ", atLogin), func(t *testing.T) {
				dir := t.TempDir()
				d := &fewDriver{
					driver: driver{files: afero.NewBasePathFs(afero.NewOsFs(), dir), settings: &ftpserver.Settings{}},
					limit:  limit, atLogin: atLogin, users: make(map[uint32]bool),
				}
				acc := accountOf(t, "ftp://"+serveWith(t, d))
				records := []*connectors.Record{newFolder("/"), newFolder("/sub")}
				files, back := map[string]string{"/sub": "dir"}, map[string]string{"/": "dir", "/sub": "dir"}
				for i := range 60 {
					name := fmt.Sprintf("/sub/f%d", i)
					files[name] = strings.Repeat("x", i*1009)
					back[name] = "file " + files[name]
					records = append(records, newFile(name, files[name]))
				}
				exp := newExporter(t, acc)
				wantNoErrors(t, put(t, exp, records...))
				wantFiles(t, dir, files)
				if err := exp.Close(t.Context()); err != nil {
					t.Fatal(err)
				}

				imp, err := importFrom(t.Context(), &connectors.Options{MaxConcurrency: 4}, acc)
				if err != nil {
					t.Fatal(err)
				}
				defer imp.Close(t.Context())
				got, err := collect(t, imp)
				if err != nil {
					t.Fatal(err)
				}
				wantRecords(t, got, back)
				if d.most != limit {
					t.Errorf("at most %d connections at a time, want %d", d.most, limit)
				}
			})
		}
	}
}

// busyFiles is a file system that every third file is refused by, at first.
type busyFiles struct {
	afero.Fs
	mu      sync.Mutex
	refused map[string]bool
	opened  int
}

func (b *busyFiles) OpenFile(name string, flag int, mode os.FileMode) (afero.File, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened++
	if b.opened%3 == 0 && !b.refused[name] {
		b.refused[name] = true
		return nil, errors.New("too many transfers")
	}
	return b.Fs.OpenFile(name, flag, mode)
}

// TestUploadBeginsAnew: a server that refuses an upload before it takes any of it loses nothing.
func TestUploadBeginsAnew(t *testing.T) {
	dir := t.TempDir()
	files := &busyFiles{Fs: afero.NewBasePathFs(afero.NewOsFs(), dir), refused: make(map[string]bool)}
	exp := newExporter(t, accountOf(t, "ftp://"+serve(t, files, ftpserver.Settings{})))
	records, want := []*connectors.Record{newFolder("/")}, make(map[string]string)
	for i := range 30 {
		name := fmt.Sprintf("/f%d", i)
		records, want[name] = append(records, newFile(name, "this is "+name)), "this is "+name
	}
	wantNoErrors(t, put(t, exp, records...))
	wantFiles(t, dir, want)
	if len(files.refused) == 0 {
		t.Error("the server refused nothing")
	}
}
