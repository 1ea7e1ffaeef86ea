package host

import (
	"context"

	"github.com/PlakarKorp/kpkg/internal/protocol/secretprovider"
)

// SecretProvider is a plugin's secret provider, once it is initialized.
type SecretProvider struct{ p *Plugin }

// SecretProvider initializes the plugin's secret provider, as Importer does an importer.
func (p *Plugin) SecretProvider(ctx context.Context, config map[string]string) (*SecretProvider, error) {
	return initialize(p, ctx, config, func(ctx context.Context) (*SecretProvider, error) {
		request := &secretprovider.InitRequest{Config: config}
		err := p.conn.Invoke(ctx, secretprovider.Init, request, &secretprovider.InitResponse{})
		return &SecretProvider{p}, err
	})
}

// Resolve returns what a handle stands for. From then on it is cut out of what the plugin says, as the secrets of the
// configuration are. It may be called concurrently.
func (s *SecretProvider) Resolve(ctx context.Context, handle string) (string, error) {
	var response secretprovider.ResolveResponse
	err := s.p.conn.Invoke(ctx, secretprovider.Resolve, &secretprovider.ResolveRequest{Handle: handle}, &response)
	if err != nil {
		return "", s.p.explain(ctx, "Resolve", err)
	}
	s.p.secrets.Learn(nil, response.GetSecret())
	return response.GetSecret(), nil
}

// Close closes the secret provider. The plugin runs on until its own Close.
func (s *SecretProvider) Close(ctx context.Context) error {
	return s.p.within(ctx, func(ctx context.Context) error {
		return s.p.conn.Invoke(ctx, secretprovider.Close, &secretprovider.CloseRequest{}, &secretprovider.CloseResponse{})
	})
}
