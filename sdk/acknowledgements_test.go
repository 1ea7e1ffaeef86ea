package sdk

import (
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gconn "github.com/PlakarKorp/integration-grpc"
	gimporter "github.com/PlakarKorp/integration-grpc/importer"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/location"
)

// sequential is the content of an entry in a stream: nothing may touch it once the importer has gone on to the next.
type sequential struct {
	t      *testing.T
	delay  time.Duration // of every Read
	passed *atomic.Bool  // the importer has gone on
}

func (s *sequential) Read(p []byte) (int, error) {
	s.check("before a Read")
	time.Sleep(s.delay)
	s.check("within a Read")
	clear(p)
	return len(p), nil
}

func (s *sequential) Close() error {
	s.check("before Close")
	return nil
}

func (s *sequential) check(when string) {
	if s.passed.Load() {
		s.t.Errorf("the importer went on %s", when)
	}
}

// stream imports two entries, the second once the first was acknowledged or there will be no more acknowledgements.
func stream(t *testing.T, delay time.Duration) *source {
	return &source{
		flags: location.FLAG_STREAM | location.FLAG_NEEDACK,
		importFn: func(_ context.Context, records chan<- *connectors.Record, results <-chan *connectors.Result) error {
			defer close(records)
			for range 2 {
				var passed atomic.Bool
				r := file("/same", "")
				r.FileInfo.Lsize = 1 << 40
				r.Reader = &sequential{t, delay, &passed}
				records <- r
				_, more := <-results
				passed.Store(true)
				if !more {
					return io.ErrUnexpectedEOF
				}
			}
			return nil
		},
	}
}

// TestAcknowledgementOrder lets the host open, read, close, acknowledge, end and cancel in every order. However they come,
// and however long a Read takes, the importer learns of the acknowledgement when its reader is closed.
func TestAcknowledgementOrder(t *testing.T) {
	steps := []string{"open", "read", "close", "acknowledge", "end"}
	for _, order := range permutations(steps) {
		if slices.Index(order, "open") > slices.Index(order, "read") || slices.Index(order, "open") > slices.Index(order, "close") {
			continue // there is nothing to read or to close yet
		}
		for _, last := range []string{"end", "cancel"} {
			for _, delay := range []time.Duration{0, 10 * time.Millisecond, 10 * time.Second} {
				name := strings.Replace(strings.Join(order, " "), "end", last, 1) + ", reads take " + delay.String()
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { acknowledge(t, strings.Fields(strings.Split(name, ",")[0]), delay) })
				})
			}
		}
	}
}

// acknowledge takes these steps a second apart, within a bubble of synctest.
func acknowledge(t *testing.T, steps []string, delay time.Duration) {
	hostConn, pluginConn := net.Pipe()
	served := make(chan error)
	go func() {
		served <- serve(context.Background(), stream(t, delay).service()(&guard{stderr: io.Discard}), pluginConn, pluginConn)
	}()
	p := &plugin{ClientConn: connect(t, hostConn)}
	p.importer(t, "test", nil)
	client := gimporter.NewImporterClient(p)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	imports, err := client.Import(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := imports.Recv(); err != nil {
		t.Fatal(err)
	}
	record := &gconn.Record{Pathname: "/same", FileInfo: &gconn.FileInfo{}}
	reading, closeFile := context.WithCancel(t.Context())
	defer closeFile()
	var opened gimporter.Importer_OpenClient
	ended := false
	for _, step := range steps {
		err = nil
		switch step {
		case "open":
			opened, err = client.Open(reading, &gimporter.OpenRequest{Record: record})
		case "read":
			go opened.Recv() // which takes as long as a Read does
		case "close":
			closeFile()
		case "acknowledge":
			if !ended {
				err = imports.Send(&gimporter.ImportRequest{Result: &gconn.Result{Header: record}})
			}
		case "end":
			err = imports.CloseSend()
			ended = true
		case "cancel":
			cancel()
		}
		if err != nil && err != io.EOF { // of a call that is over already
			t.Errorf("%s: %v", step, err)
		}
		time.Sleep(time.Second)
	}
	// If the acknowledgement was there before the end, it has arrived by now, and the second entry has come.
	if slices.Index(steps, "acknowledge") < max(slices.Index(steps, "end"), slices.Index(steps, "cancel")) {
		if _, err := imports.Recv(); err != nil && slices.Contains(steps, "end") && delay == 0 {
			t.Errorf("the second entry: %v", err)
		}
	}
	cancel()
	closeFile()
	p.ClientConn.Close()
	hostConn.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
	time.Sleep(time.Minute) // what still reads ends
}

func permutations(of []string) (all [][]string) {
	if len(of) == 0 {
		return [][]string{nil}
	}
	for i, first := range of {
		for _, rest := range permutations(slices.Concat(of[:i], of[i+1:])) {
			all = append(all, append([]string{first}, rest...))
		}
	}
	return all
}
