//go:build !race

package sdk

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gconn "github.com/PlakarKorp/integration-grpc"
	gexporter "github.com/PlakarKorp/integration-grpc/exporter"
	gimporter "github.com/PlakarKorp/integration-grpc/importer"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"
)

// Of what the hosts of these tests send: 320 MiB, which is more than what a plugin may take.
const (
	backlogMessages = 80
	backlogMessage  = 4 << 20
)

// idle is a connector that takes nothing until it is pinged, and says when it is closed how much memory that took.
type idle struct{ pinged chan struct{} }

func (i *idle) Origin() string        { return "origin" }
func (i *idle) Type() string          { return "idle" }
func (i *idle) Root() string          { return "/" }
func (i *idle) Flags() location.Flags { return location.FLAG_NEEDACK }

func (i *idle) Ping(context.Context) error {
	close(i.pinged)
	return nil
}

func (i *idle) Close(context.Context) error {
	status, err := os.ReadFile("/proc/self/status")
	os.Stdout.Write(status)
	return err
}

func (i *idle) Export(_ context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
	defer close(results)
	<-i.pinged
	for r := range records {
		results <- r.Error(fmt.Errorf("%d bytes of target", len(r.Target)))
	}
	return nil
}

func (i *idle) Import(_ context.Context, records chan<- *connectors.Record, results <-chan *connectors.Result) error {
	for n := range backlogMessages {
		records <- file(fmt.Sprint("/", n), "")
	}
	close(records)
	<-i.pinged
	taken := 0
	for result := range results {
		if len(result.Err.Error()) == backlogMessage {
			taken++
		}
	}
	if taken != backlogMessages {
		return fmt.Errorf("%d acknowledgements of %d", taken, backlogMessages)
	}
	return nil
}

func init() {
	plugins["idle exporter"] = func() {
		RunExporter(func(context.Context, *connectors.Options, string, map[string]string) (Exporter, error) {
			return &idle{make(chan struct{})}, nil
		})
	}
	plugins["idle importer"] = func() {
		RunImporter(func(context.Context, *connectors.Options, string, map[string]string) (Importer, error) {
			return &idle{make(chan struct{})}, nil
		})
	}
}

// stalled waits until a count has stood still for a while.
func stalled(count *atomic.Int64) {
	for last := int64(-1); last != count.Load(); time.Sleep(2 * time.Second) {
		last = count.Load()
	}
}

// judge checks what a plugin has printed when it was closed.
func judge(t *testing.T, p *process) {
	t.Helper()
	used := peak(t, p.stderr.String())
	t.Logf("peak: %d KiB", used)
	if used > maxFloodMemory {
		t.Errorf("the plugin took %d KiB", used)
	}
}

// TestUntakenRecords sends large records to an exporter that takes none for a while: the host waits, and none is lost.
func TestUntakenRecords(t *testing.T) {
	p := execute(t, command("idle exporter"))
	many := hostOptions
	many.MaxConcurrency = 1024
	exp, err := gexporter.NewExporter(t.Context(), p, &many, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	records := make(chan *connectors.Record)
	results := make(chan *connectors.Result, 1)
	var sent atomic.Int64
	target := strings.Repeat("x", backlogMessage)
	go func() {
		defer close(records)
		for i := range backlogMessages {
			r := folder(fmt.Sprint("/", i))
			r.Target = target
			records <- r
			sent.Add(1)
		}
	}()
	var work sync.WaitGroup
	complete := 0
	work.Go(func() {
		for result := range results {
			if strings.Contains(fmt.Sprint(result.Err), fmt.Sprint(backlogMessage, " bytes")) {
				complete++
			}
		}
	})
	work.Go(func() {
		if err := exp.Export(t.Context(), records, results); err != nil {
			t.Error(err)
		}
	})
	stalled(&sent)
	if err := exp.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	work.Wait()
	if complete != backlogMessages {
		t.Errorf("%d records of %d arrived", complete, backlogMessages)
	}
	if err := exp.Close(t.Context()); err != nil {
		t.Error(err)
	}
	p.end(t)
	judge(t, p)
}

// TestUntakenAcknowledgements sends large acknowledgements to an importer that takes none for a while.
func TestUntakenAcknowledgements(t *testing.T) {
	p := execute(t, command("idle importer"))
	imp := p.importer(t, "test", nil)
	imports, err := gimporter.NewImporterClient(p).Import(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var sent atomic.Int64
	var work sync.WaitGroup
	work.Go(func() {
		text := strings.Repeat("x", backlogMessage)
		for {
			response, err := imports.Recv()
			if err != nil {
				t.Error(err)
				return
			}
			if response.GetFinished() {
				imports.CloseSend()
				return
			}
			imports.Send(&gimporter.ImportRequest{Result: &gconn.Result{Header: response.GetRecord(), Error: text}})
			sent.Add(1)
		}
	})
	stalled(&sent)
	if err := imp.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	work.Wait()
	if sent.Load() != backlogMessages {
		t.Errorf("%d acknowledgements of %d", sent.Load(), backlogMessages)
	}
	if err := imp.Close(t.Context()); err != nil {
		t.Error(err)
	}
	p.end(t)
	judge(t, p)
}
