package try

import (
	"context"
	"io"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/importer"
)

// redacted keeps secrets out of what kloset writes into the data file: an importer's origin, and its errors about
// entries. It also ends the records when the importer fails without doing so, for which kloset would wait for ever.
type redacted struct {
	importer.Importer
	cut func(string) string
}

func (d *redacted) Origin() string { return d.cut(d.Importer.Origin()) }

func (d *redacted) Import(
	ctx context.Context, records chan<- *connectors.Record, results <-chan *connectors.Result,
) error {
	found, ended := make(chan *connectors.Record), make(chan struct{})
	var passed sync.WaitGroup
	passed.Go(func() {
		defer close(records)
		for {
			select {
			case r, ok := <-found:
				if !ok {
					return
				}
				r.Err = cutError(r.Err, d.cut)
				if r.Reader != nil {
					r.Reader = redactedReader{r.Reader, d.cut}
				}
				records <- r
			case <-ended:
				return
			}
		}
	})
	err := d.Importer.Import(ctx, found, results)
	close(ended)
	passed.Wait()
	return err
}

type redactedReader struct {
	io.ReadCloser
	cut func(string) string
}

func (r redactedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = cutError(err, r.cut)
	}
	return n, err
}
