package try

import (
	"context"
	"io"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/importer"
)

// discreet keeps secrets out of an importer's errors about entries, which kloset writes into the data file. It also ends
// the records when the importer fails without doing so, for which kloset would wait for ever.
type discreet struct {
	importer.Importer
	cut func(error) error
}

func (d *discreet) Import(
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
				r.Err = d.cut(r.Err)
				if r.Reader != nil {
					r.Reader = discreetReader{r.Reader, d.cut}
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

type discreetReader struct {
	io.ReadCloser
	cut func(error) error
}

func (r discreetReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = r.cut(err)
	}
	return n, err
}
