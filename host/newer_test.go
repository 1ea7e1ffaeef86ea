package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/sdk"
)

// vault is a secret provider that talks too much.
type vault struct{ password string }

func (v *vault) Resolve(_ context.Context, handle string) (string, error) {
	if handle == "db" {
		return "s3same", nil
	}
	fmt.Fprintln(os.Stderr, "the last secret was s3same")
	return "", fmt.Errorf("no secret %s with %s", handle, v.password)
}

func (v *vault) Close(context.Context) error { return nil }

// shelf is an inventory of two, and fails after them if it has a text.
type shelf string

func (s shelf) List(_ context.Context, entries chan<- *sdk.InventoryEntry) error {
	entries <- &sdk.InventoryEntry{URN: "urn:1"}
	entries <- &sdk.InventoryEntry{URN: "urn:2"}
	if s != "" {
		return errors.New(string(s))
	}
	return nil
}

func (s shelf) Close(context.Context) error { return errors.New("it is closed for ever") }

func startSelf(t *testing.T, name string, opts host.Options) *host.Plugin {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	opts.Args = []string{name}
	p, err := host.Start(t.Context(), program, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// TestSecretProvider keeps what was resolved out of what the plugin prints and of the trace.
func TestSecretProvider(t *testing.T) {
	var printed, traced bytes.Buffer
	p := startSelf(t, "secret provider", host.Options{Stderr: &printed, Trace: &traced})
	provider, err := p.SecretProvider(t.Context(), map[string]string{"password": "hunter22"})
	if err != nil {
		t.Fatal(err)
	}
	if secret, err := provider.Resolve(t.Context(), "db"); secret != "s3same" || err != nil {
		t.Errorf("%q, %v", secret, err)
	}
	_, err = provider.Resolve(t.Context(), "other")
	if err == nil || !strings.HasSuffix(err.Error(), "no secret other with ***") {
		t.Error(err)
	}
	if err := errors.Join(provider.Close(t.Context()), p.Close()); err != nil {
		t.Error(err)
	}
	if printed.String() != "the last secret was ***\n" {
		t.Errorf("it prints %q", printed.String())
	}
	if got := traced.String(); strings.Contains(got, "s3same") || !strings.Contains(got, `Resolve secret="***"`) {
		t.Error(got)
	}
}

// TestSecretsStay resolves again and again, by several providers of a plugin, and initializes it anew: nothing is kept twice, and
// nothing that was resolved is forgotten.
func TestSecretsStay(t *testing.T) {
	var printed bytes.Buffer
	p := startSelf(t, "secret provider", host.Options{Stderr: &printed})
	config := map[string]string{"password": "hunter22"}
	provider := func() *host.SecretProvider {
		provider, err := p.SecretProvider(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		return provider
	}
	first := provider()
	for range 40 { // what doubles does not fit into memory
		if _, err := first.Resolve(t.Context(), "db"); err != nil {
			t.Fatal(err)
		}
	}
	p.SecretProvider(t.Context(), map[string]string{"password": "another"}) // refused or not, it is an Init
	first.Resolve(t.Context(), "other")                                     // which prints the secret
	if got := p.Redact("hunter22, s3same, another"); got != "***, ***, ***" {
		t.Errorf("it knows %q", got)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if printed.String() != "the last secret was ***\n" {
		t.Errorf("it prints %q", printed.String())
	}
}

func TestInventory(t *testing.T) {
	enough := errors.New("that is enough")
	for _, test := range []struct {
		fails string
		use   error
		want  []string
		err   string
	}{
		{"", nil, []string{"urn:1", "urn:2"}, ""},
		{"the server is down", nil, []string{"urn:1", "urn:2"}, "the server is down"},
		{"", enough, []string{"urn:1"}, "that is enough"},
	} {
		p := startSelf(t, "inventory", host.Options{})
		inventory, err := p.Inventory(t.Context(), map[string]string{"fails": test.fails})
		if err != nil {
			t.Fatal(err)
		}
		var urns []string
		err = inventory.List(t.Context(), func(entry *host.InventoryEntry) error {
			urns = append(urns, entry.GetUrn())
			return test.use
		})
		if !slices.Equal(urns, test.want) || (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%+v: %q, %v", test, urns, err)
		}
		if err := inventory.Close(t.Context()); err == nil || !strings.Contains(err.Error(), "closed for ever") {
			t.Errorf("Close: %v", err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	p := startSelf(t, "refusing", host.Options{})
	if _, err := p.Inventory(t.Context(), nil); err == nil {
		t.Error("an importer is initialized as an inventory")
	}
}
