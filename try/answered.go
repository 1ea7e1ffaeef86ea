package try

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
)

// errUnanswered is the failure of an entry that an exporter took and never spoke of again.
var errUnanswered = errors.New("the exporter did not say what became of it")

// answered counts an exporter's answers. kloset reads them beside the export and may return before it has read the last,
// and it takes an entry without an answer for restored.
type answered struct {
	exporter.Exporter
	tally  *tally
	cancel context.CancelCauseFunc
}

// entry is what an answer is about.
type entry struct{ path, attribute string }

func entryOf(r *connectors.Record) entry { return entry{r.Pathname, r.XattrName} }

func (a *answered) Export(
	ctx context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result,
) error {
	close(results) // nobody listens to what kloset would make of them

	var mu sync.Mutex
	open := map[entry]int{}
	sent, answers, ended := make(chan *connectors.Record), make(chan *connectors.Result), make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() {
		defer close(sent)
		for r := range records {
			mu.Lock()
			open[entryOf(r)]++
			mu.Unlock()
			select {
			case sent <- r:
			case <-ended: // kloset's walk through the data file must come to its end all the same
				r.Close()
			}
		}
	})
	both.Go(func() {
		for {
			select {
			case answer, ok := <-answers:
				if !ok {
					return
				}
				mu.Lock()
				if e := entryOf(&answer.Record); open[e] > 1 {
					open[e]--
				} else {
					delete(open, e)
				}
				mu.Unlock()
				if answer.Err == nil || ctx.Err() == nil { // not what failed only because the restore has ended
					a.count(answer)
				}
			case <-ended: // an exporter need not close its answers
				return
			}
		}
	})
	err := a.Exporter.Export(ctx, sent, answers)
	if err != nil {
		a.cancel(err)
	}
	close(ended)
	both.Wait()
	if err != nil {
		return err
	}
	for e := range open {
		a.tally.fail(e.path, errUnanswered)
	}
	return nil
}

func (a *answered) count(answer *connectors.Result) {
	r := answer.Record
	if answer.Err != nil {
		a.tally.fail(r.Pathname, answer.Err)
		return
	}
	if r.IsXattr {
		return
	}
	a.tally.change(func(p *Progress) {
		switch r.FileInfo.Mode().Type() {
		case 0:
			p.Files++
		case fs.ModeDir:
			p.Directories++
		default:
			p.Others++
		}
	})
}
