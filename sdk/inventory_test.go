package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/PlakarKorp/kpkg/internal/protocol/inventory"
)

// shelf is an inventory that behaves as its configuration says.
type shelf struct {
	behaviour string
	ended     chan struct{} // once List has returned
}

func newShelf(_ context.Context, config map[string]string) (*shelf, error) {
	return &shelf{config["behaviour"], make(chan struct{})}, nil
}

func (s *shelf) List(ctx context.Context, entries chan<- *InventoryEntry) error {
	defer close(s.ended)
	full := &InventoryEntry{
		Class: "block-storage", Subclass: "pvc", Tags: []string{"prod", ""}, URN: "urn:1", Name: "a\xff", Region: "r", Service: "s",
		Resource: "volume", Details: []byte("{}"),
		Endpoints: []InventoryEndpoint{{EndpointHost, "db.example.org"}, {EndpointUUID, "0"}},
		Locators:  []InventoryLocator{{"k8s", "pvc-1", map[string]string{"namespace": "default", "a": ""}}},
	}
	entries <- full
	switch s.behaviour {
	case "nil":
		entries <- nil
	case "large":
		entries <- &InventoryEntry{URN: "urn:large", Details: make([]byte, 5<<20)}
	case "failing":
		return errors.New("the server is down")
	case "panicking":
		panic("out of luck")
	case "closing":
		close(entries)
		return nil
	case "endless": // and deaf, for a while
		for range 1000 {
			entries <- full
		}
		<-ctx.Done()
		return ctx.Err()
	}
	for i := range 500 {
		entries <- &InventoryEntry{URN: fmt.Sprint("urn:", i)}
	}
	return nil
}

func (s *shelf) Close(context.Context) error { return nil }

// listed is what comes of the inventory that behaves so.
func listed(t *testing.T, behaviour string) ([]*inventory.InventoryEntry, error) {
	t.Helper()
	s := &shelf{behaviour, make(chan struct{})}
	p := start(t, newInventoryService(InventoryFrom(func(context.Context, map[string]string) (*shelf, error) { return s, nil })))
	if err := p.Invoke(t.Context(), inventory.Init, &inventory.InitRequest{}, &inventory.InitResponse{}); err != nil {
		t.Fatal(err)
	}
	entries, err := list(t.Context(), p, -1)
	<-s.ended
	if err := p.Invoke(t.Context(), inventory.Close, &inventory.CloseRequest{}, &inventory.CloseResponse{}); err != nil {
		t.Error(err)
	}
	return entries, err
}

// list takes so many entries, all if that is negative, and then cancels the call.
func list(ctx context.Context, p *plugin, most int) (entries []*inventory.InventoryEntry, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := p.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, inventory.List)
	if err != nil {
		return nil, err
	}
	stream.SendMsg(&inventory.ListRequest{})
	stream.CloseSend()
	for len(entries) != most {
		var response inventory.ListResponse
		if err := stream.RecvMsg(&response); errors.Is(err, io.EOF) {
			return entries, nil
		} else if err != nil {
			return entries, err
		}
		entries = append(entries, response.GetEntry())
	}
	return entries, nil
}

func TestInventory(t *testing.T) {
	for _, test := range []struct {
		behaviour string
		entries   int
		err       string
	}{
		{"", 501, ""},
		{"closing", 1, ""},
		{"failing", 1, "the server is down"},
		{"panicking", 1, "inventory's List panicked: out of luck"},
		{"nil", 1, "nil entry"},
		{"large", 1, `sending entry "urn:large": response of`},
	} {
		t.Run(test.behaviour, func(t *testing.T) {
			entries, err := listed(t, test.behaviour)
			wantError(t, test.behaviour, err, test.err)
			if len(entries) != test.entries {
				t.Errorf("%d entries, want %d", len(entries), test.entries)
			}
			want := &inventory.InventoryEntry{
				Class: "block-storage", Subclass: "pvc", Tags: []string{"prod", ""}, Urn: "urn:1", Name: `a\xff`, Region: "r",
				Service: "s", Resource: "volume", Details: []byte("{}"),
				Endpoints: []*inventory.InventoryEndpoint{{Type: "host", Endpoint: "db.example.org"}, {Type: "uuid", Endpoint: "0"}},
				Locators: []*inventory.InventoryLocator{
					{Type: "k8s", Identifier: "pvc-1", Attributes: map[string]string{"namespace": "default", "a": ""}},
				},
			}
			if diff := cmp.Diff(want, entries[0], protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestInventoryCancelled ends a List that goes on sending, which must not be left behind.
func TestInventoryCancelled(t *testing.T) {
	s := &shelf{"endless", make(chan struct{})}
	p := start(t, newInventoryService(func(context.Context, map[string]string) (Inventory, error) { return s, nil }))
	if _, err := list(t.Context(), p, -1); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("before Init: %v", err)
	}
	if err := p.Invoke(t.Context(), inventory.Init, &inventory.InitRequest{}, &inventory.InitResponse{}); err != nil {
		t.Fatal(err)
	}
	entries, err := list(t.Context(), p, 3)
	if len(entries) != 3 || err != nil {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		t.Error("List goes on")
	}
}

// TestArguments has Main say what it serves.
func TestArguments(t *testing.T) {
	for argument, want := range map[string]string{
		"": "secret_provider or inventory, by its first argument", "importer": "takes one argument, secret_provider or inventory",
	} {
		cmd := command("newer kinds")
		if argument != "" {
			cmd.Args = append(cmd.Args, argument)
		}
		out, err := cmd.CombinedOutput()
		if err == nil || cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(string(out), want) {
			t.Errorf("%q: %v\n%s", argument, err, out)
		}
	}
}
