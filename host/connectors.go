package host

import (
	"context"
	"errors"
	"fmt"

	gexporter "github.com/PlakarKorp/integration-grpc/exporter"
	gimporter "github.com/PlakarKorp/integration-grpc/importer"
	gstorage "github.com/PlakarKorp/integration-grpc/storage"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/connectors/storage"
)

// Importer initializes the plugin's importer. Closing it does not end the plugin; Close of the plugin does.
// A plugin serves one connector, once.
func (p *Plugin) Importer(
	ctx context.Context, opts *connectors.Options, proto string, config map[string]string,
) (importer.Importer, error) {
	imp, err := initialize(p, ctx, config, func(ctx context.Context) (importer.Importer, error) {
		return gimporter.NewImporter(ctx, p.conn, opts, proto, config)
	})
	if err != nil {
		return nil, err
	}
	return &hostedImporter{imp, p}, nil
}

// Exporter initializes the plugin's exporter, as Importer does an importer.
func (p *Plugin) Exporter(
	ctx context.Context, opts *connectors.Options, proto string, config map[string]string,
) (exporter.Exporter, error) {
	exp, err := initialize(p, ctx, config, func(ctx context.Context) (exporter.Exporter, error) {
		return gexporter.NewExporter(ctx, p.conn, opts, proto, config)
	})
	if err != nil {
		return nil, err
	}
	return &hostedExporter{exp, p}, nil
}

// Storage initializes the plugin's storage, as Importer does an importer.
func (p *Plugin) Storage(ctx context.Context, proto string, config map[string]string) (storage.Store, error) {
	store, err := initialize(p, ctx, config, func(ctx context.Context) (storage.Store, error) {
		return gstorage.NewStorage(ctx, p.conn, proto, config)
	})
	if err != nil {
		return nil, err
	}
	return &hostedStorage{store, p}, nil
}

func initialize[C any](
	p *Plugin, ctx context.Context, config map[string]string, init func(context.Context) (C, error),
) (C, error) {
	p.secrets.Learn(config)
	ctx, cancel := context.WithTimeout(ctx, p.options.Timeout)
	defer cancel()
	connector, err := init(ctx)
	err = p.explain(ctx, "Init", err)
	if at := config["location"]; errors.Is(ctx.Err(), context.DeadlineExceeded) && err != nil && at != "" {
		err = fmt.Errorf("%w; is %s reachable?", err, p.Redact(at))
	}
	return connector, err
}

// within calls a connector's Close in the time it has.
func (p *Plugin) within(ctx context.Context, closeConnector func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, p.options.Timeout)
	defer cancel()
	return p.explain(ctx, "Close", closeConnector(ctx))
}

type hostedImporter struct {
	importer.Importer
	p *Plugin
}

func (h *hostedImporter) Ping(ctx context.Context) error {
	return h.p.explain(ctx, "Ping", h.Importer.Ping(ctx))
}

func (h *hostedImporter) Import(
	ctx context.Context, records chan<- *connectors.Record, results <-chan *connectors.Result,
) error {
	return h.p.explain(ctx, "Import", h.Importer.Import(ctx, records, results))
}

func (h *hostedImporter) Close(ctx context.Context) error { return h.p.within(ctx, h.Importer.Close) }

type hostedExporter struct {
	exporter.Exporter
	p *Plugin
}

func (h *hostedExporter) Ping(ctx context.Context) error {
	return h.p.explain(ctx, "Ping", h.Exporter.Ping(ctx))
}

func (h *hostedExporter) Export(
	ctx context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result,
) error {
	return h.p.explain(ctx, "Export", h.Exporter.Export(ctx, records, results))
}

func (h *hostedExporter) Close(ctx context.Context) error { return h.p.within(ctx, h.Exporter.Close) }

// hostedStorage explains what is called first and last. The calls between are the many; their errors say enough.
type hostedStorage struct {
	storage.Store
	p *Plugin
}

func (h *hostedStorage) Create(ctx context.Context, config []byte) error {
	return h.p.explain(ctx, "Create", h.Store.Create(ctx, config))
}

func (h *hostedStorage) Open(ctx context.Context) ([]byte, error) {
	config, err := h.Store.Open(ctx)
	return config, h.p.explain(ctx, "Open", err)
}

func (h *hostedStorage) Ping(ctx context.Context) error {
	return h.p.explain(ctx, "Ping", h.Store.Ping(ctx))
}

func (h *hostedStorage) Close(ctx context.Context) error { return h.p.within(ctx, h.Store.Close) }
