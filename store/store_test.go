package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	fsstorage "github.com/PlakarKorp/integrations/fs/storage"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/repository"
	"github.com/PlakarKorp/kloset/snapshot"
	"github.com/PlakarKorp/kloset/snapshot/header"
	"github.com/PlakarKorp/kloset/snapshot/vfs"

	"github.com/PlakarKorp/kpkg/internal/klosettest"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/store"
)

// folder is a storage in a folder, plakar's own.
func folder(t *testing.T, dir string) storage.Store {
	t.Helper()
	s, err := fsstorage.NewStore(t.Context(), "fs", map[string]string{"location": "fs://" + dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func options(t *testing.T, passphrase string) store.Options {
	o := store.Options{Dir: t.TempDir(), Hostname: "here"}
	if passphrase != "" {
		o.Encrypt = true
		o.Passphrase = func(context.Context) ([]byte, error) { return []byte(passphrase), nil }
	}
	return o
}

func open(t *testing.T, connector storage.Store, passphrase string) *store.Store {
	t.Helper()
	s, err := store.OpenOrCreate(t.Context(), connector, options(t, passphrase))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// content is what the file of a snapshot holds: half of it is the same in all.
func content(seed uint64) []byte {
	var out []byte
	for _, seed := range []uint64{0, seed} {
		r := rand.New(rand.NewPCG(seed, 1))
		for range 400_000 {
			out = append(out, byte(r.Uint32()), byte(seed), 0, 1)
		}
	}
	return out
}

// add adds a snapshot of a file.
func add(ctx context.Context, s *store.Store, seed uint64) (string, error) {
	data := content(seed)
	opts := ptarbuild.ArchiveOptions{Name: "test", Source: header.Importer{Type: "fs", Origin: "here", Directory: "/in"}}
	return s.Write(ctx, opts, func(a *ptarbuild.Archive) error {
		for _, file := range []struct {
			name string
			data []byte
		}{{"large", data}, {"small", data[len(data)-100:]}, {"empty", nil}} {
			info := objects.NewFileInfo(file.name, int64(len(file.data)), 0o644, time.Unix(1, 0), 0, 0, 0, 0, 1)
			r := connectors.NewRecord("/in/"+file.name, "", info, nil,
				func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.data)), nil })
			if _, err := a.Record(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// holds checks that the store is whole and that its snapshots are these, and returns how many bytes its blobs have.
func holds(t *testing.T, s *store.Store, seeds ...uint64) int64 {
	t.Helper()
	archive, err := s.Archive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	checked, problems, err := archive.Check(t.Context())
	if err != nil || len(problems) > 0 {
		t.Errorf("check: %v, %v", problems, err)
	}
	found := archive.Snapshots()
	if len(found) != len(seeds) {
		t.Fatalf("%d snapshots, want %d", len(found), len(seeds))
	}
	for i, info := range found {
		snap, err := archive.Snapshot(t.Context(), info.ID)
		if err != nil {
			t.Fatal(err)
		}
		entry, err := snap.Entry(t.Context(), "/in/large")
		if err != nil {
			t.Fatal(err)
		}
		r, err := snap.Content(t.Context(), entry.Object)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content(seeds[i])) {
			t.Errorf("snapshot %d: %d bytes, %v", i, len(got), err)
		}
	}
	return checked.Unpacked
}

func TestStore(t *testing.T) {
	for _, passphrase := range []string{"", "open sesame"} {
		t.Run(fmt.Sprintf("encrypted %v", passphrase != ""), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			first := open(t, folder(t, dir), passphrase)
			if !first.Made || first.Encrypted() != (passphrase != "") {
				t.Errorf("made %v, encrypted %v", first.Made, first.Encrypted())
			}
			if _, err := add(t.Context(), first, 1); err != nil {
				t.Fatal(err)
			}
			second := open(t, folder(t, dir), passphrase)
			if second.Made {
				t.Error("the store was made twice")
			}
			before := holds(t, second, 1)
			if _, err := add(t.Context(), second, 2); err != nil {
				t.Fatal(err)
			}
			more := holds(t, open(t, folder(t, dir), passphrase), 1, 2) - before
			if length := int64(len(content(2))); more < length/2 || more > length*3/4 {
				t.Errorf("%d bytes were stored of a file of %d, half of which was there", more, length)
			}
			if locks, err := folder(t, dir).List(t.Context(), storage.StorageResourceLock); err != nil || len(locks) > 0 {
				t.Errorf("locks %v, %v", locks, err)
			}
			if passphrase == "" {
				return
			}
			if _, err := store.Open(t.Context(), folder(t, dir), options(t, "wrong")); !errors.Is(err, ptarread.ErrPassphrase) {
				t.Errorf("with a wrong passphrase: %v", err)
			}
			if _, err := store.Open(t.Context(), folder(t, dir), store.Options{Dir: t.TempDir()}); err == nil {
				t.Error("without a passphrase")
			}
		})
	}
}

// TestKloset reads with kloset's own repository and snapshots.
func TestKloset(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	if _, err := add(t.Context(), open(t, folder(t, dir), ""), 1); err != nil {
		t.Fatal(err)
	}
	ctx, connector := klosettest.Context(t), folder(t, dir)
	config, err := connector.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	repo, err := repository.New(ctx, nil, connector, config)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for id, err := range repo.ListSnapshots() {
		if err != nil {
			t.Fatal(err)
		}
		n++
		snap, err := snapshot.Load(repo, id)
		if err != nil {
			t.Fatal(err)
		}
		checks, err := ctx.GetCache().Check()
		if err != nil {
			t.Fatal(err)
		}
		snap.SetCheckCache(checks)
		if err := snap.Check("/", &snapshot.CheckOptions{}); err != nil {
			t.Error(err)
		}
		files, err := snap.Filesystem()
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		if err := files.WalkDir("/", func(path string, _ *vfs.Entry, err error) error {
			paths = append(paths, path)
			return err
		}); err != nil {
			t.Error(err)
		}
		if got := strings.Join(paths, " "); got != "/ /in /in/empty /in/large /in/small" {
			t.Errorf("it holds %s", got)
		}
	}
	if n != 1 {
		t.Errorf("%d snapshots, want 1", n)
	}
}

// failing is a storage that dies at its n-th Put, or whose n-th Put ends a context.
type failing struct {
	storage.Store
	at   int64
	end  context.CancelFunc // nil for one that dies
	puts atomic.Int64
}

var errDead = errors.New("the disk is gone")

func (f *failing) Put(ctx context.Context, kind storage.StorageResource, mac objects.MAC, r io.Reader) (int64, error) {
	switch n := f.puts.Add(1); {
	case n < f.at:
		return f.Store.Put(ctx, kind, mac, r)
	case f.end != nil:
		f.end()
		return 0, ctx.Err()
	}
	return 0, errDead
}

// TestDyingStore has the storage die, and the backup be interrupted, at each thing that is stored: the snapshots that were there
// are, the store is whole, and the next backup succeeds.
func TestDyingStore(t *testing.T) {
	raced.Skip(t, "other tests run the same code, this one again and again")
	for _, interrupted := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "store")
		if _, err := add(t.Context(), open(t, folder(t, dir), ""), 1); err != nil {
			t.Fatal(err)
		}
		for at := int64(1); ; at++ {
			dying := &failing{Store: folder(t, dir), at: at}
			ctx, cancel := context.WithCancel(t.Context())
			want := errDead
			if interrupted {
				dying.end, want = cancel, context.Canceled
			}
			s, err := store.Open(ctx, dying, options(t, ""))
			if err != nil {
				t.Fatal(err)
			}
			id, err := add(ctx, s, 2)
			s.Close()
			cancel()
			if dying.puts.Load() < at { // all was stored before
				if at < 4 || err != nil {
					t.Errorf("%d things were stored, a lock, packfiles and a state: %v", at-1, err)
				}
				holds(t, open(t, folder(t, dir), ""), 1, 2)
				break
			}
			if !errors.Is(err, want) || id != "" {
				t.Errorf("dying at %d, interrupted %v: snapshot %q, %v", at, interrupted, id, err)
			}
			holds(t, open(t, folder(t, dir), ""), 1)
		}
	}
}

// TestNotMade makes no store over one that cannot be opened.
func TestNotMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	if _, err := add(t.Context(), open(t, folder(t, dir), ""), 1); err != nil {
		t.Fatal(err)
	}
	before, err := folder(t, dir).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	there := folder(t, dir)
	if _, err := there.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenOrCreate(t.Context(), closed{there}, options(t, "")); !errors.Is(err, errDead) {
		t.Errorf("a store that cannot be opened now: %v", err)
	}
	if after, err := folder(t, dir).Open(t.Context()); err != nil || !bytes.Equal(before, after) {
		t.Errorf("its configuration has changed: %v", err)
	}
	if _, err := store.OpenOrCreate(t.Context(), foreign{folder(t, dir)}, options(t, "")); err == nil {
		t.Error("a configuration that is none")
	}
}

// closed cannot be opened, and would let its configuration be written over.
type closed struct{ storage.Store }

func (closed) Open(context.Context) ([]byte, error) { return nil, errDead }
func (closed) Create(context.Context, []byte) error { panic("the store was written over") }

// TestMadeOfAnAnswer makes a store where a storage answers that nothing is there, in whichever words, and none where it gives no
// answer.
func TestMadeOfAnAnswer(t *testing.T) {
	raced.Skip(t, "it does one thing after another, and makes folders by the hundred")
	missing := &fs.PathError{Op: "open", Path: "CONFIG", Err: fs.ErrNotExist}
	for _, test := range []struct {
		name                    string
		open, states, packfiles error
		made                    bool
	}{
		{"nothing is there", missing, missing, missing, true},
		{"lists of nothing", errors.New("no kloset here yet"), nil, nil, true},
		{"a list of nothing, and a folder that is missing", errors.New("no kloset here yet"), nil, missing, true},
		{"a bucket", errors.New("NoSuchBucket: The specified bucket does not exist"), errors.New("NoSuchBucket"), errors.New("NoSuchBucket"), true},
		{"lists of what it has opened alone", missing, errors.New("nothing was opened"), errors.New("nothing was opened"), true},
		{"Open times out", errors.New("read tcp 192.0.2.1:22: i/o timeout"), nil, nil, false},
		{"Open is ended", context.DeadlineExceeded, nil, nil, false},
		{"Open finds no host", errors.New("lookup host: no such host"), nil, nil, false},
		{"Open and List time out", errors.New("connection timed out"), errors.New("connection timed out"), errors.New("connection timed out"), false},
		{"List times out", missing, context.DeadlineExceeded, nil, false},
		{"the second List times out", missing, nil, errors.New("i/o timeout"), false},
		{"List is refused", errors.New("permission denied"), errors.New("permission denied"), errors.New("permission denied"), false},
		{"one List fails", errors.New("no kloset here yet"), nil, errDead, false},
	} {
		fresh := &answering{Store: folder(t, filepath.Join(t.TempDir(), "store")), open: test.open, lists: map[storage.StorageResource]error{
			storage.StorageResourceState: test.states, storage.StorageResourcePackfile: test.packfiles,
		}}
		s, err := store.OpenOrCreate(t.Context(), fresh, options(t, ""))
		if (err == nil) != test.made || fresh.made != test.made {
			t.Errorf("%s: made %v, %v", test.name, fresh.made, err)
		}
		if err == nil {
			s.Close()
		} else if !errors.Is(err, test.open) {
			t.Errorf("%s: why it was not opened is not said: %v", test.name, err)
		}
	}
}

// answering answers as it is told until a store is made in it.
type answering struct {
	storage.Store
	open  error
	lists map[storage.StorageResource]error
	made  bool
}

func (a *answering) Open(ctx context.Context) ([]byte, error) {
	if a.made {
		return a.Store.Open(ctx)
	}
	return nil, a.open
}

func (a *answering) List(ctx context.Context, kind storage.StorageResource) ([]objects.MAC, error) {
	if a.made {
		return a.Store.List(ctx, kind)
	}
	return nil, a.lists[kind]
}

func (a *answering) Create(ctx context.Context, config []byte) error {
	a.made = true
	return a.Store.Create(ctx, config)
}

type foreign struct{ storage.Store }

func (foreign) Open(context.Context) ([]byte, error) { return []byte("hello"), nil }

// TestDamage finds what the storage gives wrong or not at all, and says in which packfile.
func TestDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	if _, err := add(t.Context(), open(t, folder(t, dir), ""), 1); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func([]byte, error) ([]byte, error){
		"flipped": func(data []byte, err error) ([]byte, error) { data[len(data)/2] ^= 1; return data, err },
		"cut":     func(data []byte, err error) ([]byte, error) { return data[:len(data)/2], err },
		"missing": func([]byte, error) ([]byte, error) { return nil, errDead },
	} {
		connector := &spoiled{Store: folder(t, dir), kind: storage.StorageResourcePackfile}
		archive, err := open(t, connector, "").Archive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		connector.spoil = spoil
		_, problems, err := archive.Check(t.Context())
		if err != nil || len(problems) == 0 {
			t.Errorf("%s: %d problems, %v", name, len(problems), err)
		}
		hit := 0
		for _, p := range problems {
			hit += p.Hit
			if p.Kind != ptarread.Damaged || !strings.Contains(p.Message, "packfile ") {
				t.Errorf("%s: %v", name, &p)
			}
		}
		if hit == 0 && name == "flipped" { // of the others nothing can be read, names neither
			t.Errorf("%s: it is not said which files it hits", name)
		}
		archive.Close()
		if bad, err := open(t, connector, "").Archive(t.Context()); err == nil {
			bad.Close()
			t.Errorf("%s: a snapshot's header was read", name)
		}
	}
}

// TestDamagedState opens no store whose state is not what was stored.
func TestDamagedState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	if _, err := add(t.Context(), open(t, folder(t, dir), ""), 1); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func([]byte, error) ([]byte, error){
		"it does not match its MAC": func(data []byte, err error) ([]byte, error) { data[len(data)/2] ^= 1; return data, err },
		"it is cut off after 20":    func(data []byte, err error) ([]byte, error) { return data[:20], err },
		"the disk is gone":          func([]byte, error) ([]byte, error) { return nil, errDead },
	} {
		connector := &spoiled{folder(t, dir), spoil, storage.StorageResourceState}
		if s, err := store.Open(t.Context(), connector, options(t, "")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want %q", s, err, want)
		}
	}
}

// spoiled changes what is read of one kind.
type spoiled struct {
	storage.Store
	spoil func([]byte, error) ([]byte, error)
	kind  storage.StorageResource
}

func (s *spoiled) Get(ctx context.Context, kind storage.StorageResource, mac objects.MAC, at *storage.Range) (io.ReadCloser, error) {
	r, err := s.Store.Get(ctx, kind, mac, at)
	if err != nil || s.spoil == nil || kind != s.kind {
		return r, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if data, err = s.spoil(data, err); err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}
