package sdk

import (
	"context"
	"slices"
	"sync"

	"github.com/PlakarKorp/kloset/location"

	"github.com/PlakarKorp/kpkg/sdk/internal/rpc"
	"github.com/PlakarKorp/kpkg/sdk/internal/wire"
)

// importerService serves an importer.
type importerService struct {
	*session[Importer]
	backlog *backlog

	mu      sync.Mutex
	imports []*announced // the newest last
}

func newImporterService(construct ImporterFn) func(*guard) service {
	return func(g *guard) service {
		construct := func(ctx context.Context, in wire.Init) (Importer, error) {
			return construct(ctx, &in.Options, in.Proto, in.Config)
		}
		return &importerService{session: newSession("importer", g, construct), backlog: newBacklog()}
	}
}

func (s *importerService) methods() rpc.Server {
	return s.guarded(map[string]rpc.Method{
		"/importer.Importer/Init": func(call *rpc.Call) error {
			return s.initialize(call, wire.DecodeInit, identify[Importer](wire.AppendIdentity))
		},
		"/importer.Importer/Ping":   ping(s.session),
		"/importer.Importer/Import": s.serveImport,
		"/importer.Importer/Open":   s.open,
		"/importer.Importer/Close":  s.serveClose,
	})
}

// open serves Open: it sends the content of a record that an import has announced.
func (s *importerService) open(call *rpc.Call) error {
	if _, err := s.get(); err != nil {
		return err
	}
	request, err := call.Request(maxRequest)
	if err != nil {
		return err
	}
	record, err := wire.DecodeOpen(request)
	if err != nil {
		return rpc.Errorf(rpc.InvalidArgument, "cannot read the request to open a record: %v", err)
	}
	if err := call.Context().Err(); err != nil {
		return err // or an entry of the same path, announced since the host gave this one up, would be taken for it
	}
	a, file := s.find(entryOf(record), func() { call.Stop(errAcknowledged) })
	if file == nil {
		return rpc.Errorf(rpc.NotFound, "%s: not announced by the import, or opened before", record.Pathname)
	}
	reader := a.ahead.open(file)
	defer a.close(file)
	defer s.discard(reader)
	return sendChunks(call, reader)
}

var errAcknowledged = rpc.Errorf(rpc.Canceled, "the host has acknowledged the file")

// find takes a file out of the newest import that holds it.
func (s *importerService) find(e entry, stop func()) (*announced, *announcedFile) {
	s.mu.Lock()
	imports := slices.Clone(s.imports)
	s.mu.Unlock()
	for _, a := range slices.Backward(imports) {
		if file := a.open(e, stop); file != nil {
			return a, file
		}
	}
	return nil, nil
}

// begin registers an import, so that what it announces can be opened, even after it has ended.
func (s *importerService) begin(flags location.Flags) *announced {
	ahead := &prefetch{guard: s.guard}
	if flags&(location.FLAG_STREAM|location.FLAG_NEEDACK) == 0 { // those care about the order of things
		ahead.workers = max(0, readersAtOnce-s.concurrency())
	}
	a := newAnnounced(ahead)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.imports = append(s.imports, a)
	return a
}

// forget closes what an import still holds.
func (s *importerService) forget(a *announced) {
	s.mu.Lock()
	s.imports = slices.DeleteFunc(s.imports, func(other *announced) bool { return other == a })
	s.mu.Unlock()
	for _, file := range a.drain() {
		a.ahead.skip(file)
		a.close(file)
	}
}

func (s *importerService) serveClose(call *rpc.Call) error {
	s.forgetAll()
	return s.session.serveClose(call)
}

func (s *importerService) close(ctx context.Context) error {
	s.forgetAll()
	return s.session.close(ctx)
}

func (s *importerService) forgetAll() {
	s.mu.Lock()
	imports := slices.Clone(s.imports)
	s.mu.Unlock()
	for _, a := range imports {
		s.forget(a)
	}
}
