package try

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/importer"
)

// errNothing is why there is no data file of a source that brings neither entries nor errors: a folder that is empty
// brings itself.
var errNothing = errors.New("the importer brought nothing, not even a folder; is the location right?")

// checkedImporter makes known what kloset would lose in silence, and keeps secrets out of what it writes into the data
// file: an importer's origin, and its errors about entries. It also ends the records when the importer fails without doing
// so, for which kloset would wait for ever.
type checkedImporter struct {
	importer.Importer
	cut func(string) string
}

func (c *checkedImporter) Origin() string { return c.cut(c.Importer.Origin()) }

func (c *checkedImporter) Import(
	ctx context.Context, records chan<- *connectors.Record, results <-chan *connectors.Result,
) error {
	found, ended := make(chan *connectors.Record), make(chan struct{})
	nothing := true
	var passed sync.WaitGroup
	passed.Go(func() {
		defer close(records)
		kept := newTreePaths()
		for {
			select {
			case r, ok := <-found:
				if !ok {
					for _, orphan := range kept.orphans() {
						records <- orphan
					}
					return
				}
				nothing = false
				records <- c.checked(kept, r, results != nil)
			case <-ended:
				return
			}
		}
	})
	acks := results
	if results != nil {
		acks = original(results, ended)
	}
	err := c.Importer.Import(ctx, found, acks)
	close(ended)
	passed.Wait()
	if err == nil && nothing && ctx.Err() == nil {
		return errNothing
	}
	return err
}

// checked is what kloset gets in the place of a record: an error for one that no snapshot can hold.
func (c *checkedImporter) checked(kept *treePaths, r *connectors.Record, acknowledged bool) *connectors.Record {
	if refused := kept.add(r); refused != nil {
		if !acknowledged {
			r.Close()
		}
		return connectors.NewError(cleanPath(r.Pathname), &refusedRecord{r, boundedError(refused, c.cut)})
	}
	r.Err = boundedError(r.Err, c.cut)
	if r.Reader != nil {
		r.Reader = redactedReader{r.Reader, c.cut}
	}
	return r
}

// refusedRecord is the error that is in the place of a record.
type refusedRecord struct {
	record *connectors.Record // nil if there was none
	error
}

// original passes acknowledgements on to the importer, with those of refused records about what it has sent.
func original(results <-chan *connectors.Result, ended <-chan struct{}) <-chan *connectors.Result {
	acks := make(chan *connectors.Result)
	go func() {
		defer close(acks)
		for result := range results {
			var refused *refusedRecord
			if errors.As(result.Record.Err, &refused) {
				if refused.record == nil {
					continue
				}
				result = refused.record.Error(refused.error)
			}
			select {
			case acks <- result:
			case <-ended: // kloset takes the rest itself
				return
			}
		}
	}()
	return acks
}

type redactedReader struct {
	io.ReadCloser
	cut func(string) string
}

func (r redactedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = boundedError(err, r.cut)
	}
	return n, err
}

// boundedError is err without what cut takes out, and no longer than a failure's message; err itself when there is nothing
// to change. A source may have as many errors as entries, and all of them are in the data file.
func boundedError(err error, cut func(string) string) error {
	return cutError(err, func(text string) string { return shorten(cut(text)) })
}
