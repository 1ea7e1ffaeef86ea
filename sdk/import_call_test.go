package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	gconn "github.com/PlakarKorp/integration-grpc"
	gimporter "github.com/PlakarKorp/integration-grpc/importer"
	"github.com/PlakarKorp/kloset/connectors"
)

// TestHostEndsImport ends the host's half of an import that is not at its end: the importer is told, and a host that
// listens on gets an error, never "finished".
func TestHostEndsImport(t *testing.T) {
	told := make(chan error, 1)
	s := &source{importFn: func(ctx context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
		defer close(records)
		records <- file("/a", "A")
		<-ctx.Done()
		told <- ctx.Err()
		return ctx.Err()
	}}
	p := start(t, s.service())
	p.importer(t, "test", nil)
	stream, err := gimporter.NewImporterClient(p).Import(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	stream.CloseSend()
	_, err = stream.Recv()
	wantError(t, "Import", err, "the host ended the import")
	select {
	case err := <-told:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("the importer is not told")
	}
}

// TestLastRecords fails imports right after their last records: those must be sent before the failure, every time.
func TestLastRecords(t *testing.T) {
	for range 50 {
		s := &source{importFn: func(_ context.Context, records chan<- *connectors.Record, _ <-chan *connectors.Result) error {
			for i := range 4 { // as many as the channel takes
				records <- file(fmt.Sprint("/", i), "content")
			}
			return io.ErrNoProgress
		}}
		p := start(t, s.service())
		p.importer(t, "test", nil)
		stream, err := gimporter.NewImporterClient(p).Import(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for {
			response, failure := stream.Recv()
			if err = failure; err != nil {
				break
			}
			count++
			stream.Send(&gimporter.ImportRequest{Result: &gconn.Result{Header: response.GetRecord()}})
		}
		wantError(t, "Import", err, io.ErrNoProgress.Error())
		if count != 4 {
			t.Fatalf("%d records of 4 before the failure", count)
		}
		p.ClientConn.Close()
	}
}
