package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	gexporter "github.com/PlakarKorp/integration-grpc/exporter"
	gimporter "github.com/PlakarKorp/integration-grpc/importer"
	gstorage "github.com/PlakarKorp/integration-grpc/storage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/protocol/inventory"
	"github.com/PlakarKorp/kpkg/internal/protocol/secretprovider"
)

// services are the names of the services in integration-grpc, and of those that came later.
var services = map[string]string{
	Importer: "importer.Importer", Exporter: "plakar.exporter.Exporter", Storage: "store.Store",
	SecretProvider: "secret_provider.SecretProvider", Inventory: "inventory.Inventory",
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
	case SecretProvider:
		err = p.Conn().Invoke(ctx, secretprovider.Init, &secretprovider.InitRequest{Config: settings}, &secretprovider.InitResponse{})
	case Inventory:
		err = p.Conn().Invoke(ctx, inventory.Init, &inventory.InitRequest{Config: settings}, &inventory.InitResponse{})
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

// invoke makes a call with a message of any bytes, and reads whatever comes to its end.
func (s *subject) invoke(ctx context.Context, p *host.Plugin, method string, message []byte) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := p.Conn().NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/"+services[s.config.Type]+"/"+method,
		grpc.ForceCodec(bytesCodec{}))
	if err != nil {
		return err
	}
	stream.SendMsg(&message) // of what fails, the reason is received
	stream.CloseSend()
	for {
		var reply []byte
		if err := stream.RecvMsg(&reply); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// rawUse makes the simplest call that a connector has, without the host's help.
func (s *subject) rawUse(ctx context.Context, p *host.Plugin) {
	switch s.config.Type {
	case SecretProvider:
		rawResolve(ctx, p, s.config.Handle)
	case Inventory:
		s.invoke(ctx, p, "List", nil)
	default:
		s.invoke(ctx, p, "Ping", nil)
	}
}

// rawResolve is Resolve without the host's learning of the secret.
func rawResolve(ctx context.Context, p *host.Plugin, handle string) (string, error) {
	var response secretprovider.ResolveResponse
	err := p.Conn().Invoke(ctx, secretprovider.Resolve, &secretprovider.ResolveRequest{Handle: handle}, &response)
	return response.GetSecret(), err
}

// sendResolve begins a Resolve whose answer nobody waits for.
func sendResolve(ctx context.Context, p *host.Plugin, handle string) error {
	stream, err := p.Conn().NewStream(ctx, &grpc.StreamDesc{}, secretprovider.Resolve)
	if err != nil {
		return err
	}
	return stream.SendMsg(&secretprovider.ResolveRequest{Handle: handle})
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
