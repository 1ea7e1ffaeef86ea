package sdk

import "context"

// SecretProvider gives others their secrets: the configuration of another connector holds a handle in place of a password, and
// the host asks for what it stands for.
//
// It is unstable: upstream's own interface is not released, and this one follows it. plakar up to v1.1.4 skips connectors of
// this type.
type SecretProvider interface {
	// Resolve returns the secret that a handle stands for, as text in UTF-8. A handle that is not known is an error, and no
	// empty secret. What the error says is shown and logged: name the handle in it, never a secret. It may be called
	// concurrently.
	Resolve(ctx context.Context, handle string) (string, error)
	// Close is called once, last.
	Close(context.Context) error
}

// SecretProviderFn constructs a secret provider. The host calls it once in a process; ctx and config are as for an
// [ImporterFn], but that there need not be a location.
type SecretProviderFn func(ctx context.Context, config map[string]string) (SecretProvider, error)

// SecretProviderFrom makes a SecretProviderFn of a constructor that returns a type of its own.
func SecretProviderFrom[P SecretProvider](construct func(context.Context, map[string]string) (P, error)) SecretProviderFn {
	return func(ctx context.Context, config map[string]string) (SecretProvider, error) {
		return some[SecretProvider](construct(ctx, config))
	}
}
