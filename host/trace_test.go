package host_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors"

	"github.com/PlakarKorp/kpkg/host"
)

// TestTrace follows an import on the wire.
func TestTrace(t *testing.T) {
	dir := t.TempDir()
	const content = "what is in the file"
	if err := os.WriteFile(filepath.Join(dir, "hunter22.txt"), []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var traced bytes.Buffer
	// What a plugin is given as a secret is none of the tracer's to show, under whatever key and however short.
	p, err := host.Start(t.Context(), program, host.Options{Args: []string{"importer"}, Trace: &traced, Secrets: []string{"ab"}})
	if err != nil {
		t.Fatal(err)
	}
	imp, err := p.Importer(ctx, &options{MaxConcurrency: 2}, "fs", map[string]string{
		"location": "fs://" + dir, "password": "hunter22", "pin": "ab", "token": "xyz", "other": "x\ny",
	})
	if err != nil {
		t.Fatal(err)
	}
	records, results := make(chan *connectors.Record), make(chan *connectors.Result)
	go func() {
		defer close(results)
		for r := range records {
			if r.FileInfo.Lmode.IsRegular() {
				if _, err := io.Copy(io.Discard, r.Reader); err != nil {
					t.Error(err)
				}
				r.Close()
			}
			results <- r.Ok()
		}
	}()
	if err := imp.Import(ctx, records, results); err != nil {
		t.Fatal(err)
	}
	if err := imp.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	got := traced.String()
	for _, want := range []string{
		`> 1 Init options .*proto="fs" config=\{location: "fs:///.*", other: "x\\ny", password: "\*\*\*", pin: "\*\*\*", token: "\*\*\*"\}`,
		`< 1 Init type="fs" root="/.*" flags=1`,
		`> \d Import begins`,
		`< \d Import record \{hasReader=true pathname="/.*/\*\*\*.txt" fileInfo \{name="\*\*\*.txt" size=19 mode=-rw-r----- mod_time=20`,
		`> \d+ Open record \{pathname="/.*/\*\*\*.txt"`,
		`< \d+ Open chunk=19 bytes`,
		`< \d+ Open ends`,
		`> \d Import result \{header \{hasReader=true pathname=".*/\*\*\*.txt"`,
		`< \d Import finished=true`,
		`> \d+ Close \{\}`,
		`< \d+ Close \{\}`,
	} {
		if !regexp.MustCompile(`(?m)^trace: +\d+\.\d{3}s ` + want).MatchString(got) {
			t.Errorf("no line %s in\n%s", want, got)
		}
	}
	for _, secret := range []string{"hunter22", "xyz", `"ab"`, content} {
		if strings.Contains(got, secret) {
			t.Errorf("%s is in\n%s", secret, got)
		}
	}
}

func TestTraceOfAFailure(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var traced bytes.Buffer
	p, err := host.Start(t.Context(), program, host.Options{Args: []string{"refusing"}, Trace: &traced})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Importer(t.Context(), &options{}, "x", map[string]string{"password": "hunter22"}); err == nil {
		t.Error("it is not refused")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got := traced.String(); !strings.Contains(got, "< 1 Init fails: cannot log in with *** (Unknown)\n") {
		t.Error(got)
	}
}
