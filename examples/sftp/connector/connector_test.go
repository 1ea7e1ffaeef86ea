package connector_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/PlakarKorp/kpkg/examples/sftp/connector"
	"github.com/PlakarKorp/kpkg/sdk"
)

// TestLogin tries each way to log in, and to know the server.
func TestLogin(t *testing.T) {
	s, asking := start(t, false), start(t, true)
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keys := agent.NewKeyring()
	private, err := ssh.ParseRawPrivateKey([]byte(s.private))
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(keys, conn) //nolint:errcheck // it ends with the connection
		}
	}()
	known := write("known", knownhosts.Line([]string{s.address}, s.hostKey)+"\n")
	other, _ := newKey(t)
	changed := write("changed", knownhosts.Line([]string{s.address}, other.PublicKey())+"\n")
	nobody := write("nobody", "")
	for name, test := range map[string]struct {
		at      *server
		changes map[string]string
		want    string // in the error
	}{
		"password":          {s, nil, ""},
		"wrong password":    {s, map[string]string{"password": "wrong"}, "unable to authenticate"},
		"question":          {asking, nil, ""},
		"wrong answer":      {asking, map[string]string{"password": "wrong"}, "unable to authenticate"},
		"key":               {s, map[string]string{"password": "", "private_key": s.private}, ""},
		"file of a key":     {s, map[string]string{"password": "", "identity": write("key", s.private)}, ""},
		"no key":            {s, map[string]string{"private_key": "hello"}, "the private key is none"},
		"agent":             {s, map[string]string{"password": "", "agent": socket}, ""},
		"no agent":          {s, map[string]string{"agent": socket + "x"}, "speak to the SSH agent"},
		"nothing":           {s, map[string]string{"password": ""}, "nothing to log in with"},
		"fingerprint":       {s, map[string]string{"host_key": ssh.FingerprintSHA256(s.hostKey)}, ""},
		"other fingerprint": {s, map[string]string{"host_key": "SHA256:AAAA"}, "it is another server"},
		"other host key":    {s, map[string]string{"host_key": string(ssh.MarshalAuthorizedKey(other.PublicKey()))}, "another server"},
		"known":             {s, map[string]string{"host_key": "", "known_hosts": known}, ""},
		"changed":           {s, map[string]string{"host_key": "", "known_hosts": changed}, "knows another"},
		"unknown":           {s, map[string]string{"host_key": "", "known_hosts": nobody}, "host_key=" + ssh.FingerprintSHA256(s.hostKey)},
		"in the location":   {s, map[string]string{"location": "sftp://joe:hunter22@" + s.address}, "location holds a password"},
	} {
		config := test.at.config(dir)
		maps.Copy(config, test.changes)
		imp, err := connector.NewImporter(t.Context(), &sdk.Options{}, "sftp", config)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if err == nil {
			imp.Close(t.Context())
		}
		if err != nil && strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: the password is in the error: %v", name, err)
		}
	}
}

// export sends records, and returns the errors of their results by path.
func export(t *testing.T, s *server, dir string, all ...*connectors.Record) map[string]error {
	t.Helper()
	exp, err := connector.NewExporter(t.Context(), &sdk.Options{MaxConcurrency: 2}, "sftp", s.config(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer exp.Close(t.Context())
	records, results := make(chan *connectors.Record), make(chan *connectors.Result, len(all))
	go func() {
		defer close(records)
		for _, r := range all {
			records <- r
		}
	}()
	if err := exp.Export(t.Context(), records, results); err != nil {
		t.Error(err)
	}
	failed := map[string]error{}
	for r := range results {
		failed[r.Record.Pathname] = r.Err
	}
	return failed
}

func record(name string, mode os.FileMode, content io.Reader) *connectors.Record {
	info := objects.FileInfo{Lname: filepath.Base(name), Lmode: mode, LmodTime: time.Unix(1_000_000, 0)}
	return connectors.NewRecord(name, "", info, nil, func() (io.ReadCloser, error) { return io.NopCloser(content), nil })
}

// TestRestore replaces what is there, leaves nothing of a content that ends early, and writes through no link of its own.
func TestRestore(t *testing.T) {
	s, dir, outside := start(t, false), t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "old"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := record("/link", os.ModeSymlink|0o777, nil)
	link.Target = outside
	failed := export(t, s, dir,
		record("/", os.ModeDir|0o755, nil), record("/closed", os.ModeDir|0o500, nil), record("/closed/in", 0o640, strings.NewReader("in")),
		record("/old", 0o644, strings.NewReader("new")), link, record("/link/escaped", 0o644, strings.NewReader("out")),
		record("/cut", 0o644, io.MultiReader(strings.NewReader("half"), broken{io.ErrUnexpectedEOF})),
		record("/reset", 0o644, io.MultiReader(strings.NewReader("half"), broken{fmt.Errorf("the connection was reset: %w", io.EOF)})),
		record("/../up", 0o644, strings.NewReader("up")),
		record("/device", os.ModeDevice|0o600, nil))
	for name, fails := range map[string]bool{
		"/": false, "/closed": false, "/closed/in": false, "/old": false, "/link": false,
		"/link/escaped": true, "/cut": true, "/reset": true, "/../up": true, "/device": true,
	} {
		if err, answered := failed[name]; !answered || (err != nil) != fails {
			t.Errorf("%s: answered %v, %v", name, answered, err)
		}
	}
	if err := failed["/reset"]; err != nil && strings.Contains(err.Error(), s.address) {
		t.Errorf("what broke off before it came to the server is said to be the server's: %v", err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "old")); err != nil || string(data) != "new" {
		t.Errorf("what was there is %q, %v", data, err)
	}
	info, err := os.Stat(filepath.Join(dir, "closed/in"))
	if err != nil || info.Mode() != 0o640 || info.ModTime().Unix() != 1_000_000 {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "closed")); err != nil || info.Mode().Perm() != 0o500 || info.ModTime().Unix() != 1_000_000 {
		t.Errorf("%v, %v", info, err)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("written through a link: %v, %v", left, err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	hidden, hiddenErr := filepath.Glob(filepath.Join(dir, ".plakar-*"))
	if err := errors.Join(err, hiddenErr); err != nil || len(hidden) > 0 || len(names) != 3 {
		t.Errorf("it holds %q and %q, %v", names, hidden, err)
	}
}

// broken fails as a connection does that was cut: with an error that libraries take for the end, or for a short last read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// TestStorage stores an object or nothing, whatever happens to the connection, and goes on over a new one.
func TestStorage(t *testing.T) {
	s, dir := start(t, false), filepath.Join(t.TempDir(), "a", "store")
	store, err := connector.NewStorage(t.Context(), "sftp", s.config(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close(t.Context())
	if _, err := store.Open(t.Context()); err == nil {
		t.Error("a store where none is")
	}
	if err := errors.Join(store.Create(t.Context(), []byte("configuration"))); err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), []byte("another")); err == nil {
		t.Error("a second store in the place of the first")
	}
	data := make([]byte, 3<<20)
	rand.Read(data)
	whole, cut := objects.MAC{1}, objects.MAC{2}
	if n, err := store.Put(t.Context(), sdk.ResourcePackfile, whole, bytes.NewReader(data)); err != nil || n != int64(len(data)) {
		t.Errorf("%d, %v", n, err)
	}
	dying := io.MultiReader(bytes.NewReader(data[:1<<20]), reading(s.cut), bytes.NewReader(data[1<<20:]))
	if _, err := store.Put(t.Context(), sdk.ResourcePackfile, cut, dying); err == nil {
		t.Error("stored over a connection that was cut")
	}
	deadline := time.Now().Add(30 * time.Second)
	for store.Ping(t.Context()) != nil { // until it is seen that the connection has ended
		if time.Now().After(deadline) {
			t.Fatal("no new connection")
		}
		time.Sleep(10 * time.Millisecond)
	}
	found, err := store.List(t.Context(), sdk.ResourcePackfile)
	if err != nil || len(found) != 1 || found[0] != whole {
		t.Errorf("it lists %x, %v", found, err)
	}
	r, err := store.Get(t.Context(), sdk.ResourcePackfile, whole, &sdk.Range{Offset: 100, Length: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data[100:100+1<<20]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if config, err := store.Open(t.Context()); err != nil || string(config) != "configuration" {
		t.Errorf("%q, %v", config, err)
	}
}

// TestCut cuts the connection under a storage that asks for much at once: whatever of that is noticed first, the error names the
// server.
func TestCut(t *testing.T) {
	s := start(t, false)
	store, err := connector.NewStorage(t.Context(), "sftp", s.config(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close(t.Context())
	for range 50 {
		var asking sync.WaitGroup
		cut := make(chan struct{})
		for range 8 {
			asking.Go(func() {
				for {
					err := store.Delete(t.Context(), sdk.ResourceLock, objects.MAC{})
					if !errors.Is(err, fs.ErrNotExist) && !strings.Contains(fmt.Sprint(err), s.address) {
						t.Errorf("no word of %s: %v", s.address, err)
					}
					select {
					case <-cut:
						return
					default:
					}
				}
			})
		}
		time.Sleep(5 * time.Millisecond)
		s.cut()
		close(cut)
		asking.Wait()
	}
}

// TestStoreMadeAgain makes a store where one was not made to its end, and none where anything else is.
func TestStoreMadeAgain(t *testing.T) {
	s := start(t, false)
	for name, test := range map[string]struct {
		there []string // folders, and files that are empty
		fails bool
	}{
		"nothing": {nil, false}, "half of it": {[]string{"packfiles/", ".plakar-XYZ"}, false},
		"a packfile": {[]string{"packfiles/", "packfiles/00"}, true}, "a file": {[]string{"locks"}, true}, "a folder": {[]string{"other/"}, true},
	} {
		dir := t.TempDir()
		for _, entry := range test.there {
			path, err := filepath.Join(dir, entry), error(nil)
			if strings.HasSuffix(entry, "/") {
				err = os.Mkdir(path, 0o700)
			} else {
				err = os.WriteFile(path, nil, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		store, err := connector.NewStorage(t.Context(), "sftp", s.config(dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Create(t.Context(), []byte("configuration")); (err != nil) != test.fails {
			t.Errorf("where there is %s: %v", name, err)
		}
		if config, err := store.Open(t.Context()); (err != nil) != test.fails || err == nil && string(config) != "configuration" {
			t.Errorf("where there was %s: %q, %v", name, config, err)
		}
		store.Close(t.Context())
	}
}

// TestWritesAtOnce has no file read before several are, whatever the host says of its processors, and a server take no write of an
// object before several have come. A server that answers in order, as the library's, opens no file while it does not answer a write.
func TestWritesAtOnce(t *testing.T) {
	const atOnce = 8 // which is what the library's server can do
	s := start(t, false)
	var mu sync.Mutex
	var waiting sync.WaitGroup
	left := 0
	expect := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		left = n
		waiting.Add(n)
	}
	meet := func() {
		mu.Lock()
		if left > 0 {
			left--
			waiting.Done()
		}
		mu.Unlock()
		waiting.Wait()
	}
	s.put = meet
	expect(atOnce)
	all := []*connectors.Record{record("/", os.ModeDir|0o755, nil)}
	for i := range 3 * atOnce {
		all = append(all, record(fmt.Sprint("/", i), 0o644, reading(meet)))
	}
	for name, err := range export(t, s, "/restored", all...) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	store, err := connector.NewStorage(t.Context(), "sftp", s.config("/store"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close(t.Context())
	expect(atOnce)
	if n, err := store.Put(t.Context(), sdk.ResourceState, objects.MAC{1}, bytes.NewReader(make([]byte, 1<<20))); err != nil || n != 1<<20 {
		t.Errorf("%d, %v", n, err)
	}
}

// reading does something when it is read, and is empty.
type reading func()

func (r reading) Read([]byte) (int, error) { r(); return 0, io.EOF }
