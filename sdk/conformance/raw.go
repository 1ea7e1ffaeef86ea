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

	"github.com/PlakarKorp/kpkg/sdk/host"
)

// services are the names of the services in integration-grpc.
var services = map[string]string{
	Importer: "importer.Importer", Exporter: "plakar.exporter.Exporter", Storage: "store.Store",
}

// bareInit is Init without what a host may leave out, and without telling the host what is secret.
func (s *subject) bareInit(ctx context.Context, p *host.Plugin, settings map[string]string) (err error) {
	proto := s.config.Protocol
	switch s.config.Type {
	case Importer:
		_, err = gimporter.NewImporterClient(p.Conn()).Init(ctx, &gimporter.InitRequest{Proto: proto, Config: settings})
	case Exporter:
		_, err = gexporter.NewExporterClient(p.Conn()).Init(ctx, &gexporter.InitRequest{Proto: proto, Config: settings})
	default:
		_, err = gstorage.NewStoreClient(p.Conn()).Init(ctx, &gstorage.InitRequest{Proto: proto, Config: settings})
	}
	return err
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
	var answer []byte
	return p.Conn().Invoke(ctx, "/"+services[s.config.Type]+"/"+method, &message, &answer, grpc.ForceCodec(bytesCodec{}))
}

// survived checks that the plugin still answers after what was done to it, with whatever.
func (s *subject) survived(ctx context.Context, p *host.Plugin, what string) error {
	err := s.invoke(ctx, p, "Ping", nil)
	if status.Code(err) == codes.Unavailable || ctx.Err() != nil {
		return fmt.Errorf("the plugin no longer answers after %s: %w", what, text(err))
	}
	return nil
}

// text is an error without gRPC's own words around it.
func text(err error) error {
	if s, ok := status.FromError(err); ok && err != nil {
		return errors.New(strings.TrimSpace(s.Code().String() + ": " + s.Message()))
	}
	return err
}
