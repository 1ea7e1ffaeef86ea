package sdk

import (
	"context"
	"errors"

	"github.com/PlakarKorp/kpkg/sdk/internal/rpc"
	"github.com/PlakarKorp/kpkg/sdk/internal/wire"
)

// storageService serves a storage.
type storageService struct {
	*session[Store]
}

func newStorageService(construct StoreFn) func(*guard) service {
	return func(g *guard) service {
		return &storageService{newSession("storage", g, func(ctx context.Context, in wire.Init) (Store, error) {
			return construct(ctx, in.Proto, in.Config)
		})}
	}
}

func (s *storageService) methods() rpc.Server {
	return s.guarded(map[string]rpc.Method{
		"/store.Store/Init": func(call *rpc.Call) error {
			return s.initialize(call, wire.DecodeStorageInit, identify[Store](wire.AppendStorageIdentity))
		},
		"/store.Store/Create": unary(s.session, s.create),
		"/store.Store/Open":   unary(s.session, s.open),
		"/store.Store/Ping":   ping(s.session),
		"/store.Store/Mode":   unary(s.session, s.mode),
		"/store.Store/Size":   unary(s.session, s.size),
		"/store.Store/List":   unary(s.session, s.list),
		"/store.Store/Put":    s.put,
		"/store.Store/Get":    s.fetch,
		"/store.Store/Delete": unary(s.session, s.remove),
		"/store.Store/Close":  s.serveClose,
	})
}

func (s *storageService) create(ctx context.Context, store Store, request, response []byte) ([]byte, error) {
	config, err := wire.DecodeConfig(request)
	if err != nil {
		return nil, err
	}
	return response, store.Create(ctx, config)
}

func (s *storageService) open(ctx context.Context, store Store, _, response []byte) ([]byte, error) {
	config, err := store.Open(ctx)
	return wire.AppendConfig(response, config), err
}

func (s *storageService) mode(ctx context.Context, store Store, _, response []byte) ([]byte, error) {
	mode, err := store.Mode(ctx)
	return wire.AppendNumber(response, int64(mode)), err
}

func (s *storageService) size(ctx context.Context, store Store, _, response []byte) ([]byte, error) {
	size, err := store.Size(ctx)
	return wire.AppendNumber(response, size), err
}

func (s *storageService) list(ctx context.Context, store Store, request, response []byte) ([]byte, error) {
	resource, err := wire.DecodeList(request)
	if err != nil {
		return nil, err
	}
	macs, err := store.List(ctx, Resource(resource))
	return wire.AppendMACs(response, macs), err
}

func (s *storageService) remove(ctx context.Context, store Store, request, response []byte) ([]byte, error) {
	object, err := wire.DecodeObject(request)
	if err != nil {
		return nil, err
	}
	return response, store.Delete(ctx, Resource(object.Resource), object.MAC)
}

// fetch serves Get.
func (s *storageService) fetch(call *rpc.Call) error {
	store, err := s.get()
	if err != nil {
		return err
	}
	request, err := call.Request(maxRequest)
	if err != nil {
		return err
	}
	object, err := wire.DecodeObject(request)
	if err != nil {
		return rpc.Errorf(rpc.InvalidArgument, "cannot read the request: %v", err)
	}
	reader, err := store.Get(call.Context(), Resource(object.Resource), object.MAC, (*Range)(object.Range))
	if err != nil {
		return err
	}
	if reader == nil {
		return errNoReader
	}
	defer s.discard(reader)
	return sendChunks(call, reader)
}

var errNoReader = errors.New("the storage returned neither a reader nor an error")

// put serves Put.
func (s *storageService) put(call *rpc.Call) error {
	store, err := s.get()
	if err != nil {
		return err
	}
	object := &upload{call: call}
	if err := object.begin(); err != nil {
		return err
	}
	var written int64
	err = s.run("storage's Put", func() (err error) { // even after a panic the rest must be taken from the host
		written, err = store.Put(call.Context(), Resource(object.resource), object.mac, object)
		return err
	})
	if drainErr := object.drain(); err == nil {
		err = drainErr
	}
	if err != nil {
		return err
	}
	return call.Send(wire.AppendNumber(rpc.Begin(nil), written))
}
