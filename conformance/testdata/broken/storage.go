package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/objects"
)

func brokenStorage(fault string, construct storage.StoreFn) storage.StoreFn {
	return func(ctx context.Context, proto string, config map[string]string) (storage.Store, error) {
		if err := initFault(fault, &connectors.Options{}, config); err != nil {
			return nil, err
		}
		if fault != "none" {
			construct = newFlat
		}
		if root := config["root"]; root != "" {
			config = map[string]string{"location": proto + "://" + root}
		}
		store, err := construct(ctx, proto, config)
		return &faultyStorage{Store: store, fault: fault}, err
	}
}

// faultyStorage changes what is kept.
type faultyStorage struct {
	storage.Store
	fault string
	leak  leak
	busy  atomic.Int32 // Puts under way
	puts  atomic.Int32 // Puts so far
}

// kind is where an object of the kind is kept.
func (f *faultyStorage) kind(kind storage.StorageResource) storage.StorageResource {
	if f.fault == "mixes kinds" && kind == storage.StorageResourceState {
		return storage.StorageResourceLock
	}
	return kind
}

func (f *faultyStorage) Create(ctx context.Context, config []byte) error {
	if f.fault == "cannot create" {
		return errors.New("no room")
	}
	err := f.Store.Create(ctx, config)
	if f.fault == "creates twice" && err != nil {
		return nil
	}
	return err
}

func (f *faultyStorage) Open(ctx context.Context) ([]byte, error) {
	config, err := f.Store.Open(ctx)
	switch {
	case f.fault == "opens what is not there" && err != nil:
		return nil, nil
	case f.fault == "changes the configuration":
		config[0] ^= 1
	}
	return config, err
}

func (f *faultyStorage) Mode(ctx context.Context) (storage.Mode, error) {
	if f.fault == "has no mode" {
		return 0, nil
	}
	return f.Store.Mode(ctx)
}

func (f *faultyStorage) Size(ctx context.Context) (int64, error) {
	if f.fault == "has no size" {
		return 0, nil
	}
	return f.Store.Size(ctx)
}

func (f *faultyStorage) List(ctx context.Context, kind storage.StorageResource) ([]objects.MAC, error) {
	f.leak.grow(f.fault)
	macs, err := f.Store.List(ctx, f.kind(kind))
	if f.fault == "lists no more than 20" {
		macs = macs[:min(len(macs), 20)]
	}
	return macs, err
}

func (f *faultyStorage) Put(
	ctx context.Context, kind storage.StorageResource, mac objects.MAC, r io.Reader,
) (int64, error) {
	if f.busy.Add(1) > 1 && f.fault == "puts one at a time" {
		f.busy.Add(-1)
		return 0, errors.New("busy")
	}
	defer f.busy.Add(-1)
	f.puts.Add(1)
	markWork(f.fault)
	kind = f.kind(kind)
	switch f.fault {
	case "keeps no more than 8 MiB":
		r = io.LimitReader(r, 8<<20)
	case "keeps parts":
		data, _ := io.ReadAll(r)
		r = bytes.NewReader(data)
	case "takes everything":
		if kind > storage.StorageResourceECCState {
			return 0, nil
		}
	case "counts nothing":
		_, err := f.Store.Put(ctx, kind, mac, r)
		return 0, err
	case "appends":
		if old, err := f.Store.Get(ctx, kind, mac, nil); err == nil {
			defer old.Close()
			r = io.MultiReader(old, r)
		}
	}
	return f.Store.Put(ctx, kind, mac, r)
}

func (f *faultyStorage) Get(
	ctx context.Context, kind storage.StorageResource, mac objects.MAC, part *storage.Range,
) (io.ReadCloser, error) {
	kind = f.kind(kind)
	if f.fault == "knows no ranges" && part != nil && part.Length > 1000 {
		part = nil
	}
	reader, err := f.Store.Get(ctx, kind, mac, part)
	if f.fault == "dies of abandoned reads" && err == nil {
		return &mortalReader{ReadCloser: reader}, nil
	}
	if f.fault == "gives missing states as empty" && err != nil && kind == storage.StorageResourceState && f.puts.Load() == 0 {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	if f.fault == "fills ranges up" && part != nil && err == nil {
		return struct {
			io.Reader
			io.Closer
		}{io.LimitReader(io.MultiReader(reader, zeros{}), int64(part.Length)), reader}, nil
	}
	return reader, err
}

func (f *faultyStorage) Delete(ctx context.Context, kind storage.StorageResource, mac objects.MAC) error {
	if f.fault == "never deletes" {
		return nil
	}
	err := f.Store.Delete(ctx, f.kind(kind), mac)
	if f.fault == "dies of missing objects" && err != nil {
		os.Exit(1)
	}
	return err
}

func (f *faultyStorage) Close(ctx context.Context) error {
	if f.fault == "forgets when it closes" {
		for _, kind := range []storage.StorageResource{storage.StorageResourcePackfile, storage.StorageResourceState} {
			macs, _ := f.Store.List(ctx, kind)
			for _, mac := range macs {
				f.Store.Delete(ctx, kind, mac)
			}
		}
	}
	return f.Store.Close(ctx)
}

// mortalReader takes the process with it when it is not read to its end.
type mortalReader struct {
	io.ReadCloser
	ended bool
}

func (m *mortalReader) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.ended = m.ended || err != nil
	return n, err
}

func (m *mortalReader) Close() error {
	if !m.ended {
		os.Exit(1)
	}
	return m.ReadCloser.Close()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
