package sdk

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/PlakarKorp/kloset/location"

	"github.com/PlakarKorp/kpkg/sdk/internal/rpc"
	"github.com/PlakarKorp/kpkg/sdk/internal/wire"
)

// maxRequest bounds a request that is read into memory, in bytes.
const maxRequest = rpc.MaxReceived

// connector is what all connectors have in common.
type connector interface {
	Close(context.Context) error
}

// located is what importers, exporters and storages have in common: they work at a location.
type located interface {
	connector
	Origin() string
	Type() string
	Root() string
	Flags() location.Flags
	Ping(context.Context) error
}

// session is the life of the one connector of a process: Init, any number of calls, Close.
type session[C connector] struct {
	*guard
	kind      string // such as "importer"
	construct func(context.Context, wire.Init) (C, error)

	ctx    context.Context // the constructor's: it lives as long as the connector
	cancel context.CancelFunc

	mu        sync.RWMutex
	connector C
	ready     bool
	closed    bool
	init      wire.Init
}

func newSession[C connector](
	kind string, g *guard, construct func(context.Context, wire.Init) (C, error),
) *session[C] {
	s := &session[C]{guard: g, kind: kind, construct: construct}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// initialize serves Init: decode and introduce, which appends the response, are the forms this has for the kind of connector.
func (s *session[C]) initialize(
	call *rpc.Call, decode func([]byte) (wire.Init, error), introduce func([]byte, C) []byte,
) error {
	request, err := call.Request(maxRequest)
	if err != nil {
		return err
	}
	init, err := decode(request)
	if err != nil {
		return rpc.Errorf(rpc.InvalidArgument, "cannot read the %s's configuration: %v", s.kind, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready || s.closed {
		return rpc.Errorf(rpc.FailedPrecondition, "the %s is initialized already", s.kind)
	}
	s.secrets.Learn(init.Config)

	ctx, cancel := context.WithCancel(s.ctx)
	stop := context.AfterFunc(call.Context(), cancel) // only while constructing does the call's end mean anything
	connector, err := s.construct(ctx, init)
	if err != nil {
		cancel()
		return err
	}
	if !stop() {
		s.run(s.kind+"'s Close", func() error { return connector.Close(ctx) })
		return context.Cause(call.Context())
	}
	response := introduce(rpc.Begin(nil), connector)
	s.connector, s.init, s.ready = connector, init, true
	return call.Send(response)
}

// identify introduces a connector by its identity, in the form that appendIdentity gives it.
func identify[C located](appendIdentity func([]byte, wire.Identity) []byte) func([]byte, C) []byte {
	return func(response []byte, connector C) []byte {
		return appendIdentity(response, wire.Identity{
			Origin: connector.Origin(),
			Type:   connector.Type(),
			Root:   connector.Root(),
			Flags:  uint32(connector.Flags()),
		})
	}
}

// nothing introduces a connector that Init asks nothing of.
func nothing[C connector](response []byte, _ C) []byte { return response }

// get returns the connector, or why there is none.
func (s *session[C]) get() (C, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.closed:
		return s.connector, rpc.Errorf(rpc.FailedPrecondition, "the %s is closed", s.kind)
	case !s.ready:
		return s.connector, rpc.Errorf(rpc.FailedPrecondition, "the %s is not initialized", s.kind)
	}
	return s.connector, nil
}

// concurrency is how many records the host works on at once, within reason.
func (s *session[C]) concurrency() int {
	return max(1, min(s.init.Options.MaxConcurrency, 1024))
}

// unary makes a method of a function from one message to one appended to the last argument.
func unary[C connector](s *session[C], respond func(context.Context, C, []byte, []byte) ([]byte, error)) rpc.Method {
	return func(call *rpc.Call) error {
		connector, err := s.get()
		if err != nil {
			return err
		}
		request, err := call.Request(maxRequest)
		if err != nil {
			return err
		}
		message, err := respond(call.Context(), connector, request, rpc.Begin(nil))
		if errors.Is(err, wire.ErrMalformed) {
			return rpc.Errorf(rpc.InvalidArgument, "cannot read the request: %v", err)
		}
		if err != nil {
			return err
		}
		return call.Send(message)
	}
}

// ping serves Ping.
func ping[C located](s *session[C]) rpc.Method {
	return func(call *rpc.Call) error {
		connector, err := s.get()
		if err != nil {
			return err
		}
		if err := connector.Ping(call.Context()); err != nil {
			return err
		}
		return call.Send(rpc.Begin(nil))
	}
}

func (s *session[C]) serveClose(call *rpc.Call) error {
	if err := s.close(call.Context()); err != nil {
		return err
	}
	return call.Send(rpc.Begin(nil))
}

// close closes the connector if there is one that was not closed before.
func (s *session[C]) close(ctx context.Context) error {
	s.mu.Lock()
	open := s.ready && !s.closed
	s.closed = true
	s.mu.Unlock()
	if !open {
		return nil
	}
	defer s.cancel()
	return s.run(s.kind+"'s Close", func() error { return s.connector.Close(ctx) })
}

// guarded wraps methods so that a panic in one is the error of its call.
func (s *session[C]) guarded(methods map[string]rpc.Method) rpc.Server {
	server := make(rpc.Server, len(methods))
	for path, method := range methods {
		server[path] = func(call *rpc.Call) error {
			return s.run(s.kind+"'s "+path[strings.LastIndexByte(path, '/')+1:], func() error { return method(call) })
		}
	}
	return server
}
