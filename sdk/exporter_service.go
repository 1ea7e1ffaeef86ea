package sdk

import (
	"context"

	"github.com/PlakarKorp/kpkg/sdk/internal/rpc"
	"github.com/PlakarKorp/kpkg/sdk/internal/wire"
)

// exporterService serves an exporter.
type exporterService struct {
	*session[Exporter]
	ahead   *ahead // of all exports together
	backlog *backlog
}

func newExporterService(construct ExporterFn) func(*guard) service {
	return func(g *guard) service {
		construct := func(ctx context.Context, in wire.Init) (Exporter, error) {
			return construct(ctx, &in.Options, in.Proto, in.Config)
		}
		return &exporterService{newSession("exporter", g, construct), newAhead(), newBacklog()}
	}
}

func (s *exporterService) methods() rpc.Server {
	return s.guarded(map[string]rpc.Method{
		"/plakar.exporter.Exporter/Init": func(call *rpc.Call) error {
			return s.initialize(call, wire.DecodeInit, identify[Exporter](wire.AppendIdentity))
		},
		"/plakar.exporter.Exporter/Ping":   ping(s.session),
		"/plakar.exporter.Exporter/Export": s.serveExport,
		"/plakar.exporter.Exporter/Close":  s.serveClose,
	})
}
