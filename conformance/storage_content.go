package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/objects"
)

// What a storage keeps.

var storageGates = []Check{
	{ID: "storage-create", Title: "a storage is created", gate: true, needs: needsLocation, run: storageCreate},
	{ID: "storage-places", Title: "storages at two locations are two", gate: true, needs: needsLocation, run: storagePlaces},
}

var storageContentChecks = []Check{
	{ID: "storage-open", Title: "another process opens it and gets the configuration it was created with", needs: needsLocation,
		run: storageOpen},
	{ID: "storage-open-missing", Title: "opening what was not created is an error", needs: needsLocation, run: storageOpenMissing},
	{ID: "storage-create-twice", Title: "creating what is there is an error and harms nothing", needs: needsLocation,
		run: storageCreateTwice},
	{ID: "storage-put-get", Title: "objects of 0 B to 16 MiB come back as they were put", needs: needsLocation, run: storagePutGet},
	{ID: "storage-kinds", Title: "packfiles, states and locks are kept apart", needs: needsLocation, run: storageKinds},
	{ID: "storage-put-count", Title: "Put says how many bytes it has stored", needs: needsLocation, run: storagePutCount},
	{ID: "storage-reopen", Title: "objects are there for another process, after Close", needs: needsLocation, run: storageReopen},
	{ID: "storage-range", Title: "a range of a packfile is that range", needs: needsLocation, run: storageRange},
	{ID: "storage-range-end", Title: "a range past the end gives nothing that is not there", needs: needsLocation,
		run: storageRangeEnd},
	{ID: "storage-get-missing", Title: "getting an object that is not there is an error", needs: needsLocation,
		run: storageGetMissing},
	{ID: "storage-list", Title: "List lists what was put, once each", needs: needsLocation, run: storageList},
	{ID: "storage-delete", Title: "what is deleted is gone, and the rest is not", needs: needsLocation, run: storageDelete},
	{ID: "storage-mode", Title: "Mode says that it can be read, or written", needs: needsLocation, run: storageMode},
	{ID: "storage-size", Title: "Size is at least what was put, or -1", needs: needsLocation, run: storageSize},
}

// storageConfig is what a storage is created with: bytes of any kind.
var storageConfig = append([]byte("kpkg \x00\xff configuration "), content(7, 500)...)

// kinds are the resources that plakar puts into every storage.
var kinds = []storage.StorageResource{
	storage.StorageResourcePackfile, storage.StorageResourceState, storage.StorageResourceLock,
}

const packfile = storage.StorageResourcePackfile

// mac names an object of the test.
func mac(i int) objects.MAC { return objects.MAC(content(uint64(1000+i), 32)) }

func put(ctx context.Context, store storage.Store, kind storage.StorageResource, mac objects.MAC, data []byte) error {
	if _, err := store.Put(ctx, kind, mac, bytes.NewReader(data)); err != nil {
		return fmt.Errorf("put of a %s of %d bytes: %w", kind, len(data), err)
	}
	return nil
}

// maxObject is the largest object that is put into a store, in bytes; no more is read of one.
const maxObject = 16 << 20

func get(
	ctx context.Context, store storage.Store, kind storage.StorageResource, mac objects.MAC, part *storage.Range,
) ([]byte, error) {
	reader, err := store.Get(ctx, kind, mac, part)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(io.LimitReader(reader, maxObject+1))
}

// wantObject checks what is in an object.
func wantObject(
	ctx context.Context, store storage.Store, kind storage.StorageResource, mac objects.MAC, want []byte,
) error {
	got, err := get(ctx, store, kind, mac, nil)
	if err == nil {
		err = sameContent(got, want)
	}
	if err != nil {
		return fmt.Errorf("a %s of %d bytes: %w", kind, len(want), err)
	}
	return nil
}

func storageCreate(ctx context.Context, s *subject) error {
	_, _, err := s.created(ctx)
	return err
}

// storagePlaces creates a second storage, after that of storage-create: one that is not where its location is would be the
// first again, for this check and all that follow.
func storagePlaces(ctx context.Context, s *subject) error {
	_, store, err := s.store(ctx)
	if err != nil {
		return err
	}
	const hint = "another setting may say where it is: give that a new name each time, as in --config root=NAME-" + unique
	if config, err := store.Open(ctx); err == nil && bytes.Equal(config, storageConfig) {
		return fmt.Errorf("a storage that was created elsewhere is at %s too; %s", s.place(), hint)
	}
	if err := store.Create(ctx, storageConfig); err != nil {
		return fmt.Errorf("with one elsewhere, none can be created at %s: %w; %s", s.place(), err, hint)
	}
	return nil
}

func storageOpen(ctx context.Context, s *subject) error {
	if _, _, err := s.created(ctx); err != nil {
		return err
	}
	_, store, err := s.store(ctx)
	if err != nil {
		return err
	}
	return wantConfig(ctx, store)
}

func wantConfig(ctx context.Context, store storage.Store) error {
	got, err := store.Open(ctx)
	if err != nil {
		return err
	}
	if err := sameContent(got, storageConfig); err != nil {
		return fmt.Errorf("the configuration has %w", err)
	}
	return nil
}

func storageOpenMissing(ctx context.Context, s *subject) error {
	_, store, err := s.store(ctx)
	if err != nil {
		return nil
	}
	if _, err := store.Open(ctx); err == nil {
		return errors.New("it opens a storage where none was created")
	}
	return nil
}

func storageCreateTwice(ctx context.Context, s *subject) error {
	if _, _, err := s.created(ctx); err != nil {
		return err
	}
	_, store, err := s.store(ctx)
	if err != nil {
		return err
	}
	if err := store.Create(ctx, []byte("another configuration")); err == nil {
		return errors.New("a second Create succeeds")
	}
	_, store, err = s.store(ctx)
	if err != nil {
		return err
	}
	got, err := store.Open(ctx)
	if err != nil || bytes.Equal(got, []byte("another configuration")) {
		return fmt.Errorf("a second Create fails and still changes the storage: %w", err)
	}
	return nil
}

func storagePutGet(ctx context.Context, s *subject) error {
	p, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	begin, moved, all := time.Now(), int64(0), append(slices.Clone(sizes), maxObject)
	for i, size := range all {
		data := content(uint64(i), size)
		moved += 2 * int64(size)
		if err := put(ctx, store, packfile, mac(i), data); err != nil {
			return err
		}
		if err := wantObject(ctx, store, packfile, mac(i), data); err != nil {
			return err
		}
	}
	s.measure(ctx, p, "put and get", len(all), moved, time.Since(begin))
	return nil
}

// storageKinds puts one object of each kind under the same MAC.
func storageKinds(ctx context.Context, s *subject) error {
	_, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	for i, kind := range kinds {
		if err := put(ctx, store, kind, mac(0), content(uint64(i), 100+i)); err != nil {
			return err
		}
	}
	for i, kind := range kinds {
		if err := wantObject(ctx, store, kind, mac(0), content(uint64(i), 100+i)); err != nil {
			return err
		}
		listed, err := store.List(ctx, kind)
		if err != nil {
			return err
		}
		if len(listed) != 1 {
			return fmt.Errorf("a list of %ss has %d objects after one was put", kind, len(listed))
		}
	}
	return nil
}

func storagePutCount(ctx context.Context, s *subject) error {
	_, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	for i, size := range []int{0, 5000} {
		n, err := store.Put(ctx, packfile, mac(i), bytes.NewReader(content(1, size)))
		if err != nil {
			return err
		}
		if n < int64(size) { // a storage may add to what it keeps
			return fmt.Errorf("it says %[2]d for a Put of %[1]d bytes", size, n)
		}
	}
	return nil
}

func storageReopen(ctx context.Context, s *subject) error {
	p, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	for i := range 5 {
		if err := put(ctx, store, packfile, mac(i), content(uint64(i), 1000*i)); err != nil {
			return err
		}
	}
	store.Close(ctx) // plugin-close judges it
	p.EndInput()
	_, store, err = s.opened(ctx)
	if err != nil {
		return err
	}
	for i := range 5 {
		if err := wantObject(ctx, store, packfile, mac(i), content(uint64(i), 1000*i)); err != nil {
			return err
		}
	}
	return nil
}

func storageRange(ctx context.Context, s *subject) error {
	_, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	data := content(1, 3<<20)
	if err := put(ctx, store, packfile, mac(0), data); err != nil {
		return err
	}
	for _, r := range []storage.Range{
		{Offset: 0, Length: 1}, {Offset: 1, Length: 4096}, {Offset: 1<<20 - 1, Length: 1<<20 + 2},
		{Offset: 3<<20 - 1, Length: 1}, {Offset: 0, Length: 3 << 20},
	} {
		got, err := get(ctx, store, packfile, mac(0), &r)
		if err != nil {
			return fmt.Errorf("%d bytes from %d: %w", r.Length, r.Offset, err)
		}
		if err := sameContent(got, data[r.Offset:r.Offset+uint64(r.Length)]); err != nil {
			return fmt.Errorf("%d bytes from %d: %w", r.Length, r.Offset, err)
		}
	}
	return nil
}

func storageRangeEnd(ctx context.Context, s *subject) error {
	_, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	data := content(1, 1000)
	if err := put(ctx, store, packfile, mac(0), data); err != nil {
		return err
	}
	for _, r := range []storage.Range{{Offset: 900, Length: 200}, {Offset: 1000, Length: 1}, {Offset: 5000, Length: 10},
		{Offset: 1 << 62, Length: 10}} {
		got, err := get(ctx, store, packfile, mac(0), &r)
		if there := data[min(r.Offset, 1000):]; err == nil && !bytes.HasPrefix(there, got) {
			return fmt.Errorf("%d bytes from %d of 1000 give %d bytes that are not there", r.Length, r.Offset, len(got))
		}
	}
	return wantObject(ctx, store, packfile, mac(0), data)
}

func storageGetMissing(ctx context.Context, s *subject) error {
	_, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		if got, err := get(ctx, store, kind, mac(0), nil); err == nil {
			return fmt.Errorf("a %s that was never put has %d bytes and no error", kind, len(got))
		}
	}
	return nil
}

// wantList checks which objects List lists.
func wantList(ctx context.Context, store storage.Store, want ...objects.MAC) error {
	got, err := store.List(ctx, packfile)
	if err != nil {
		return err
	}
	for _, m := range want {
		if n := count(got, m); n != 1 {
			return fmt.Errorf("an object that is there is listed %d times", n)
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d objects are listed, %d are there", len(got), len(want))
	}
	return nil
}

func count(all []objects.MAC, m objects.MAC) int {
	n := 0
	for _, other := range all {
		if other == m {
			n++
		}
	}
	return n
}

func storageList(ctx context.Context, s *subject) error {
	_, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	if err := wantList(ctx, store); err != nil {
		return err
	}
	var want []objects.MAC
	for i := range 50 {
		want = append(want, mac(i))
		if err := put(ctx, store, packfile, mac(i), content(1, i)); err != nil {
			return err
		}
	}
	return wantList(ctx, store, want...)
}

func storageDelete(ctx context.Context, s *subject) error {
	_, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		for i := range 2 {
			if err := put(ctx, store, kind, mac(i), content(1, 100)); err != nil {
				return err
			}
		}
		if err := store.Delete(ctx, kind, mac(0)); err != nil {
			return fmt.Errorf("deleting a %s: %w", kind, err)
		}
		if _, err := get(ctx, store, kind, mac(0), nil); err == nil {
			return fmt.Errorf("a deleted %s is still there", kind)
		}
		if err := wantObject(ctx, store, kind, mac(1), content(1, 100)); err != nil {
			return fmt.Errorf("after another was deleted: %w", err)
		}
	}
	return nil
}

func storageMode(ctx context.Context, s *subject) error {
	_, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	mode, err := store.Mode(ctx)
	if err != nil {
		return err
	}
	if mode == 0 || mode&^(storage.ModeRead|storage.ModeWrite) != 0 {
		return fmt.Errorf("mode %d is neither read (%d) nor write (%d) nor both", mode, storage.ModeRead, storage.ModeWrite)
	}
	return nil
}

func storageSize(ctx context.Context, s *subject) error {
	_, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	if err := put(ctx, store, packfile, mac(0), content(1, 100_000)); err != nil {
		return err
	}
	size, err := store.Size(ctx)
	if err != nil {
		return err
	}
	if size != -1 && size < 100_000 {
		return fmt.Errorf("the size is %d after 100000 bytes were put", size)
	}
	return nil
}
