package sdk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	gimporter "github.com/PlakarKorp/integration-grpc/importer"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/google/go-cmp/cmp"
)

func constructed(construct ImporterFn) func(*guard) service { return newImporterService(construct) }

func TestInit(t *testing.T) {
	var gotOptions connectors.Options
	var gotProto string
	var gotConfig map[string]string
	var life context.Context
	p := start(t, constructed(
		func(ctx context.Context, o *connectors.Options, proto string, config map[string]string) (Importer, error) {
			life, gotOptions, gotProto, gotConfig = ctx, *o, proto, config
			return &source{}, nil
		}))
	config := map[string]string{"location": "x://y", "big": strings.Repeat("b", 5<<20)}
	options := hostOptions
	options.Excludes, options.NoXattr = []string{"a", "b"}, true
	imp, err := gimporter.NewImporter(t.Context(), p, &options, "x", config)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(options, gotOptions); diff != "" || gotProto != "x" || !cmp.Equal(config, gotConfig) {
		t.Error(diff, gotProto, len(gotConfig))
	}
	if imp.Origin() != "origin" || imp.Type() != "source" || imp.Root() != "/" {
		t.Error(imp.Origin(), imp.Type(), imp.Root())
	}
	if life.Err() != nil {
		t.Error("the constructor's context ends with Init")
	}
	if err := imp.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if life.Err() == nil {
		t.Error("the constructor's context survives Close")
	}
}

func TestFailingConstructors(t *testing.T) {
	for name, test := range map[string]struct {
		construct ImporterFn
		want      string
	}{
		"error": {
			func(context.Context, *connectors.Options, string, map[string]string) (Importer, error) {
				return nil, errors.New("no such host")
			}, "no such host",
		},
		"panic": {
			func(context.Context, *connectors.Options, string, map[string]string) (Importer, error) {
				panic("oh no")
			},
			"oh no",
		},
		"nil": {
			ImporterFrom(func(context.Context, *connectors.Options, string, map[string]string) (Importer, error) {
				return nil, nil
			}), "neither a connector nor an error",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, constructed(test.construct))
			for range 2 { // it may be tried again
				_, err := gimporter.NewImporter(t.Context(), p, &hostOptions, "x", nil)
				wantError(t, "Init", err, test.want)
			}
		})
	}
}

func TestHostGivesUpOnInit(t *testing.T) {
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	p := start(t, constructed(
		func(ctx context.Context, _ *connectors.Options, _ string, _ map[string]string) (Importer, error) {
			cancel()
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, ctx.Err()
		}))
	if _, err := gimporter.NewImporter(ctx, p, &hostOptions, "x", nil); err == nil {
		t.Error("no error")
	}
	<-ended
}

func TestSecrets(t *testing.T) {
	const canary = "hunter2-canary"
	config := map[string]string{
		"location":         "ftp://user:" + canary + "-1@host/path",
		"password":         canary + "-2",
		"secret_key":       canary + "-2-long",
		"private_key_file": "/home/user/key",
		"token":            "abc", // too short to be told from a word
	}
	var failure string
	p := start(t, constructed(
		func(_ context.Context, _ *connectors.Options, _ string, config map[string]string) (Importer, error) {
			failure = fmt.Sprintf("abc: cannot use %s with %v", config["private_key_file"], config)
			return &source{
				ping: func(context.Context) error { return errors.New(failure) },
				importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
					records <- connectors.NewError("/x", errors.New(failure))
					panic(failure)
				},
			}, nil
		}))
	imp := p.importer(t, "ftp", config)
	all, err := readAll(t.Context(), imp)
	for what, text := range map[string]string{
		"Ping":   fmt.Sprint(imp.Ping(t.Context())),
		"record": fmt.Sprint(all.errors["/x"]),
		"Import": fmt.Sprint(err),
		"stderr": p.stderr.String(),
	} {
		told := strings.Contains(text, "abc: cannot use /home/user/key with")
		if strings.Contains(text, canary) || strings.Contains(text, "-long") || !told {
			t.Errorf("%s: %s", what, text)
		}
	}
}
