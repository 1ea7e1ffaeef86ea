package sdk

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/connectors"
)

// simple is an importer in the three-method shape.
type simple struct {
	scan  func() (<-chan *ScanResult, error)
	close func() error
}

func (s simple) Origin() string                    { return "origin" }
func (s simple) Type() string                      { return "simple" }
func (s simple) Root() string                      { return "/" }
func (s simple) Scan() (<-chan *ScanResult, error) { return s.scan() }
func (s simple) Close() error                      { return s.close() }

func (s simple) NewReader(pathname string) (io.ReadCloser, error) {
	if pathname == "/missing" {
		return nil, errors.New("gone")
	}
	return io.NopCloser(strings.NewReader("content of " + pathname)), nil
}

func TestScanner(t *testing.T) {
	fails := false
	closed := false
	p := start(t, newImporterService(ScannerFrom(
		func(context.Context, *connectors.Options, string, map[string]string) (simple, error) {
			return simple{
				scan: func() (<-chan *ScanResult, error) {
					if fails {
						return nil, errors.New("cannot list")
					}
					results := make(chan *ScanResult)
					go func() {
						defer close(results)
						results <- NewScanRecord("/", "", folder("/").FileInfo, nil)
						results <- NewScanRecord("/a", "", file("/a", "").FileInfo, []string{"user.x"})
						results <- NewScanXattr("/a", "user.x", 0, func() (io.ReadCloser, error) {
							return io.NopCloser(strings.NewReader("value")), nil
						})
						results <- NewScanRecord("/missing", "", file("/missing", "").FileInfo, nil)
						results <- NewScanError("/b", errors.New("unreadable"))
					}()
					return results, nil
				},
				close: func() error { closed = true; return nil },
			}, nil
		})))
	imp := p.importer(t, "test", nil)
	all, err := readAll(t.Context(), imp)
	if err != nil {
		t.Fatal(err)
	}
	if string(all.content["/a"]) != "content of /a" || string(all.content["/a:user.x"]) != "value" || all.records["/"] == nil {
		t.Error(all.content)
	}
	wantError(t, "/b", all.errors["/b"], "unreadable")
	wantError(t, "/missing", all.errors["/missing"], "gone")
	fails = true
	_, err = readAll(t.Context(), imp)
	wantError(t, "Import", err, "cannot list")
	if err := imp.Close(t.Context()); err != nil || !closed {
		t.Error(err, closed)
	}
}
