// Package replacing makes an exporter of local files replace what has the name of an entry and is of another kind: plakar's
// own fails for a link where something is, and takes a file, or a link to a folder, for the folder that it is to make.
package replacing

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
)

// Exporter makes exporters that replace, of those that construct makes.
func Exporter(construct exporter.ExporterFn) exporter.ExporterFn {
	return func(
		ctx context.Context, opts *connectors.Options, proto string, config map[string]string,
	) (exporter.Exporter, error) {
		exp, err := construct(ctx, opts, proto, config)
		if err != nil {
			return nil, err
		}
		return &replacing{exp}, nil
	}
}

type replacing struct{ exporter.Exporter }

// Export makes way for each record before the exporter gets it. What cannot be removed is the exporter's to fail at.
func (r *replacing) Export(
	ctx context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	passed := make(chan *connectors.Record)
	go func() {
		defer close(passed)
		for record := range records {
			makeWay(r.Root(), record)
			select {
			case passed <- record:
			case <-ctx.Done():
				return
			}
		}
	}()
	return r.Exporter.Export(ctx, passed, results)
}

// makeWay removes a file or a link that is in the way of a link or a folder. Files replace what is there without, and a
// folder stays: what is in it may be nobody's to lose.
func makeWay(root string, record *connectors.Record) {
	kind := record.FileInfo.Lmode.Type()
	name := strings.TrimPrefix(record.Pathname, "/")
	if record.Err != nil || record.IsXattr || kind != fs.ModeDir && kind != fs.ModeSymlink || !filepath.IsLocal(name) {
		return
	}
	there, err := os.Lstat(filepath.Join(root, name))
	if err == nil && !there.IsDir() {
		os.Remove(filepath.Join(root, name))
	}
}
