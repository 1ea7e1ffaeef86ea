package sdk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/PlakarKorp/kpkg/internal/protocol/secretprovider"
)

// vault is a secret provider with one secret.
type vault struct {
	password string
	closed   *bool
}

func newVault(_ context.Context, config map[string]string) (*vault, error) {
	if config["password"] == "" {
		return nil, errors.New("there is no password")
	}
	return &vault{password: config["password"], closed: new(bool)}, nil
}

func (v *vault) Resolve(_ context.Context, handle string) (string, error) {
	switch handle {
	case "db":
		return "s3same", nil
	case "empty":
		return "", nil
	case "bytes":
		return "a\xff", nil
	case "large":
		return strings.Repeat("x", 5<<20), nil
	case "panic":
		panic("out of luck")
	}
	return "", fmt.Errorf("no secret %s, even with %s", handle, v.password)
}

func (v *vault) Close(context.Context) error {
	*v.closed = true
	return nil
}

func TestSecretProvider(t *testing.T) {
	p := start(t, newSecretProviderService(SecretProviderFrom(newVault)))
	ctx := t.Context()
	resolve := func(handle string) (string, error) {
		var response secretprovider.ResolveResponse
		err := p.Invoke(ctx, secretprovider.Resolve, &secretprovider.ResolveRequest{Handle: handle}, &response)
		return response.GetSecret(), err
	}
	initialize := func(config map[string]string) error {
		return p.Invoke(ctx, secretprovider.Init, &secretprovider.InitRequest{Config: config}, &secretprovider.InitResponse{})
	}
	if _, err := resolve("db"); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("before Init: %v", err)
	}
	wantError(t, "Init without a password", initialize(nil), "there is no password")
	if err := initialize(map[string]string{"password": "hunter22"}); err != nil {
		t.Fatal(err)
	}
	wantError(t, "a second Init", initialize(map[string]string{"password": "hunter22"}), "initialized already")
	for _, test := range []struct{ handle, want, err string }{
		{"db", "s3same", ""},
		{"empty", "", ""},
		{"bytes", "", "the secret is not UTF-8"},
		{"large", "", "larger than the"},
		{"panic", "", "secret provider's Resolve panicked: out of luck"},
		{"nothing", "", "no secret nothing, even with ***"},
	} {
		got, err := resolve(test.handle)
		wantError(t, test.handle, err, test.err)
		if got != test.want {
			t.Errorf("%s is %q, want %q", test.handle, got, test.want)
		}
	}
	if err := p.Invoke(ctx, secretprovider.Close, &secretprovider.CloseRequest{}, &secretprovider.CloseResponse{}); err != nil {
		t.Error(err)
	}
	if _, err := resolve("db"); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("after Close: %v", err)
	}
}

// TestNoSecretProvider has a constructor that returns nothing.
func TestNoSecretProvider(t *testing.T) {
	p := start(t, newSecretProviderService(
		SecretProviderFrom(func(context.Context, map[string]string) (SecretProvider, error) { return nil, nil })))
	err := p.Invoke(t.Context(), secretprovider.Init, &secretprovider.InitRequest{}, &secretprovider.InitResponse{})
	wantError(t, "Init", err, "neither a connector nor an error")
}
