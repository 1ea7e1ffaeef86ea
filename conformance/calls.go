package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"

	gexporter "github.com/PlakarKorp/integration-grpc/exporter"
	gimporter "github.com/PlakarKorp/integration-grpc/importer"
	gstorage "github.com/PlakarKorp/integration-grpc/storage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/PlakarKorp/kpkg/host"
)

// services are the names of the services in integration-grpc.
var services = map[string]string{
	Importer: "importer.Importer", Exporter: "plakar.exporter.Exporter", Storage: "store.Store",
}

// rawInit is Init without telling the host what is secret, and, with minimal, without what a host may leave out.
func (s *subject) rawInit(ctx context.Context, p *host.Plugin, settings map[string]string, minimal bool) (err error) {
	own, proto := s.options(), s.config.Protocol
	switch s.config.Type {
	case Importer:
		request := &gimporter.InitRequest{Proto: proto, Config: settings}
		if !minimal {
			request.Options = s.importerOptions()
		}
		_, err = gimporter.NewImporterClient(p.Conn()).Init(ctx, request)
	case Exporter:
		request := &gexporter.InitRequest{Proto: proto, Config: settings}
		if !minimal {
			request.Options = &gexporter.Options{Hostname: own.Hostname, Os: own.OperatingSystem, Arch: own.Architecture,
				Cwd: own.CWD, Maxconcurrency: int64(own.MaxConcurrency)}
		}
		_, err = gexporter.NewExporterClient(p.Conn()).Init(ctx, request)
	default:
		_, err = gstorage.NewStoreClient(p.Conn()).Init(ctx, &gstorage.InitRequest{Proto: proto, Config: settings})
	}
	return err
}

func (s *subject) importerOptions() *gimporter.Options {
	own := s.options()
	return &gimporter.Options{Hostname: own.Hostname, Os: own.OperatingSystem, Arch: own.Architecture, Cwd: own.CWD,
		Maxconcurrency: int64(own.MaxConcurrency)}
}

// bytesCodec sends and receives messages as they are.
type bytesCodec struct{}

func (bytesCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (bytesCodec) Name() string                  { return "proto" }
func (bytesCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

// invoke makes a call with a message of any bytes.
func (s *subject) invoke(ctx context.Context, p *host.Plugin, method string, message []byte) error {
	var reply []byte
	return p.Conn().Invoke(ctx, "/"+services[s.config.Type]+"/"+method, &message, &reply, grpc.ForceCodec(bytesCodec{}))
}

// survived checks that the plugin still answers after what was done to it. Any answer will do, so it is asked for what
// no plugin has.
func (s *subject) survived(ctx context.Context, p *host.Plugin, what string) error {
	err := s.invoke(ctx, p, "NoSuchMethod", nil)
	if status.Code(err) != codes.Unavailable && ctx.Err() == nil {
		return nil
	}
	if cause := p.Cause(); cause != nil {
		err = cause
	}
	return fmt.Errorf("the plugin no longer answers after %s: %w", what, text(err))
}

// text is an error without gRPC's own words around it.
func text(err error) error {
	if s, ok := status.FromError(err); ok && err != nil {
		return errors.New(strings.TrimSpace(s.Code().String() + ": " + s.Message()))
	}
	return err
}
