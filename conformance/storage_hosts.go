package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	gstorage "github.com/PlakarKorp/integration-grpc/storage"
	"github.com/PlakarKorp/kloset/connectors/storage"

	"github.com/PlakarKorp/kpkg/host"
)

// How a storage bears what hosts do.

var storageHostChecks = []Check{
	{ID: "storage-parallel", Title: "8 objects can be put and got at once", needs: needsLocation, run: storageParallel},
	{ID: "storage-put-again", Title: "putting an object again harms nothing", needs: needsLocation, run: storagePutAgain},
	{ID: "storage-put-cancelled", Title: "a cancelled Put leaves no object", needs: needsLocation, run: storagePutCancelled},
	{ID: "storage-put-host-death", Title: "the Put of a host that dies leaves no object, and the plugin ends", needs: needsLocation,
		run: storagePutHostDeath},
	{ID: "storage-get-abandoned", Title: "a host may stop reading within an object", needs: needsLocation,
		run: storageGetAbandoned},
	{ID: "storage-delete-missing", Title: "deleting an object that is not there is no crash", needs: needsLocation,
		run: storageDeleteMissing},
	{ID: "storage-unknown-kind", Title: "an object of an unknown kind is refused", needs: needsLocation, run: storageUnknownKind},
	{ID: "storage-bad-mac", Title: "a MAC of another length than 32 bytes is an error and no crash", needs: needsLocation,
		run: storageBadMAC},
	{ID: "storage-leaks", Title: "objects leave no files, threads or memory behind",
		needs: []requirement{hasLocation, procFiles}, run: storageLeaks},
}

// opened is the storage that is at the check's place, in another process than before.
func (s *subject) opened(ctx context.Context) (*host.Plugin, storage.Store, error) {
	p, store, err := s.store(ctx)
	if err != nil {
		return nil, nil, err
	}
	_, err = store.Open(ctx)
	return p, store, err
}

func storageParallel(ctx context.Context, s *subject) error {
	_, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	ended := make(chan error)
	for worker := range 8 {
		go func() {
			var err error
			for i := 0; i < 5 && err == nil; i++ {
				m, data := mac(worker*5+i), content(uint64(worker*5+i), 200_000+worker)
				if err = put(ctx, store, packfile, m, data); err == nil {
					err = wantObject(ctx, store, packfile, m, data)
				}
			}
			ended <- err
		}()
	}
	for range 8 {
		err = errors.Join(err, <-ended)
	}
	return err
}

// storagePutAgain allows for storages that refuse.
func storagePutAgain(ctx context.Context, s *subject) error {
	p, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	data := content(1, 50_000)
	if err := put(ctx, store, packfile, mac(0), data); err != nil {
		return err
	}
	store.Put(ctx, packfile, mac(0), bytes.NewReader(data))
	if err := s.survived(ctx, p, "a second Put of an object"); err != nil {
		return err
	}
	if err := wantObject(ctx, store, packfile, mac(0), data); err != nil {
		return err
	}
	return wantList(ctx, store, mac(0))
}

// partialPut begins a Put and sends a part of the object.
func partialPut(ctx context.Context, p *host.Plugin) (gstorage.Store_PutClient, error) {
	stream, err := gstorage.NewStoreClient(p.Conn()).Put(ctx)
	if err != nil {
		return nil, text(err)
	}
	m := mac(0)
	for _, request := range []*gstorage.PutRequest{
		{Mac: m[:], Type: gstorage.StorageResource_STORAGE_RESOURCE_PACKFILE}, {Chunk: content(1, 100_000)},
	} {
		if err := stream.Send(request); err != nil {
			return nil, text(err)
		}
	}
	return stream, nil
}

func storagePutCancelled(ctx context.Context, s *subject) error {
	p, _, err := s.created(ctx)
	if err != nil {
		return err
	}
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	if _, err := partialPut(cancelled, p); err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond) // so that the storage is within the object
	cancel()
	if err := s.survived(ctx, p, "a cancelled Put"); err != nil {
		return err
	}
	return s.noObject(ctx)
}

// noObject checks that the storage is empty, for another process.
func (s *subject) noObject(ctx context.Context) error {
	_, store, err := s.opened(ctx)
	if err != nil {
		return err
	}
	for range 10 { // what is cleaned up in the background may take a while
		if err = wantList(ctx, store); err == nil {
			if _, err := get(ctx, store, packfile, mac(0), nil); err == nil {
				return errors.New("an object is there of which only a part was put")
			}
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("after a part of an object was put: %w", err)
}

func storagePutHostDeath(ctx context.Context, s *subject) error {
	p, _, err := s.created(ctx)
	if err != nil {
		return err
	}
	if _, err := partialPut(ctx, p); err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond) // so that the storage is within the object
	p.BreakOff()
	if err := ends(ctx, p.Exited(), "the host's death"); err != nil {
		return err
	}
	return s.noObject(ctx)
}

func storageGetAbandoned(ctx context.Context, s *subject) error {
	p, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	data := content(1, 8<<20)
	if err := put(ctx, store, packfile, mac(0), data); err != nil {
		return err
	}
	for range 5 {
		abandoned, cancel := context.WithCancel(ctx)
		reader, err := store.Get(abandoned, packfile, mac(0), nil)
		if err == nil {
			_, err = io.CopyN(io.Discard, reader, 1)
		}
		cancel()
		if err != nil {
			return err
		}
	}
	if err := s.survived(ctx, p, "reads that broke off"); err != nil {
		return err
	}
	return wantObject(ctx, store, packfile, mac(0), data)
}

func storageDeleteMissing(ctx context.Context, s *subject) error {
	p, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	store.Delete(ctx, packfile, mac(0)) // an error or none: both are in use
	return s.survived(ctx, p, "deleting an object that is not there")
}

func storageUnknownKind(ctx context.Context, s *subject) error {
	p, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	if err := put(ctx, store, storage.StorageResource(99), mac(0), content(1, 10)); err == nil {
		return errors.New("a Put of kind 99 succeeds")
	}
	return s.survived(ctx, p, "an object of an unknown kind")
}

func storageBadMAC(ctx context.Context, s *subject) error {
	p, _, err := s.created(ctx)
	if err != nil {
		return err
	}
	client := gstorage.NewStoreClient(p.Conn())
	const kind = gstorage.StorageResource_STORAGE_RESOURCE_PACKFILE
	for _, length := range []int{0, 5, 33} {
		what := fmt.Sprintf("a MAC of %d bytes", length)
		bad := make([]byte, length)
		if _, err := client.Delete(ctx, &gstorage.DeleteRequest{Mac: bad, Type: kind}); err == nil {
			return fmt.Errorf("it deletes with %s", what)
		}
		stream, err := client.Get(ctx, &gstorage.GetRequest{Mac: bad, Type: kind})
		if err == nil {
			_, err = stream.Recv()
		}
		if err == nil || errors.Is(err, io.EOF) {
			return fmt.Errorf("it gets with %s", what)
		}
		if err := s.survived(ctx, p, what); err != nil {
			return err
		}
		upload, err := client.Put(ctx)
		if err != nil {
			return text(err)
		}
		upload.Send(&gstorage.PutRequest{Mac: bad, Type: kind})
		if _, err := upload.CloseAndRecv(); err == nil {
			return fmt.Errorf("it puts with %s", what)
		}
		if err := s.survived(ctx, p, what); err != nil {
			return err
		}
	}
	return nil
}

// storageLeaks puts, gets, lists and deletes.
func storageLeaks(ctx context.Context, s *subject) error {
	p, store, err := s.created(ctx)
	if err != nil {
		return err
	}
	data := content(1, 64<<10)
	return leaksNothing(p, func() error {
		for i := range 8 {
			if err := put(ctx, store, packfile, mac(i), data); err != nil {
				return err
			}
			if err := wantObject(ctx, store, packfile, mac(i), data); err != nil {
				return err
			}
		}
		if _, err := store.List(ctx, packfile); err != nil {
			return err
		}
		for i := range 8 {
			if err := store.Delete(ctx, packfile, mac(i)); err != nil {
				return err
			}
		}
		return nil
	})
}
