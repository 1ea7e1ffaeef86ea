package sdk

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/PlakarKorp/kpkg/sdk/internal/rpc"
	"github.com/PlakarKorp/kpkg/sdk/internal/wire"
)

// secretProviderService serves a secret provider.
type secretProviderService struct {
	*session[SecretProvider]
}

func newSecretProviderService(construct SecretProviderFn) func(*guard) service {
	return func(g *guard) service {
		return &secretProviderService{newSession("secret provider", g, func(ctx context.Context, in wire.Init) (SecretProvider, error) {
			return construct(ctx, in.Config)
		})}
	}
}

func (s *secretProviderService) methods() rpc.Server {
	return s.guarded(map[string]rpc.Method{
		"/secret_provider.SecretProvider/Init": func(call *rpc.Call) error {
			return s.initialize(call, wire.DecodeConfigInit, nothing)
		},
		"/secret_provider.SecretProvider/Resolve": unary(s.session, resolve),
		"/secret_provider.SecretProvider/Close":   s.serveClose,
	})
}

// errNoText refuses what could only be sent as another secret than it is.
var errNoText = errors.New("the secret is not UTF-8, which is all that can be sent: encode it, as in base64")

func resolve(ctx context.Context, provider SecretProvider, request, response []byte) ([]byte, error) {
	handle, err := wire.DecodeHandle(request)
	if err != nil {
		return nil, err
	}
	secret, err := provider.Resolve(ctx, handle)
	if err == nil && !utf8.ValidString(secret) {
		err = errNoText
	}
	return wire.AppendSecret(response, secret), err
}
