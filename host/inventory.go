package host

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	"github.com/PlakarKorp/kpkg/internal/protocol/inventory"
)

// InventoryEntry is what an inventory lists.
type InventoryEntry = inventory.InventoryEntry

// Inventory is a plugin's inventory, once it is initialized.
type Inventory struct{ p *Plugin }

// Inventory initializes the plugin's inventory, as Importer does an importer.
func (p *Plugin) Inventory(ctx context.Context, config map[string]string) (*Inventory, error) {
	return initialize(p, ctx, config, func(ctx context.Context) (*Inventory, error) {
		err := p.conn.Invoke(ctx, inventory.Init, &inventory.InitRequest{Config: config}, &inventory.InitResponse{})
		return &Inventory{p}, err
	})
}

// List calls use for each entry, nil for one that the plugin has left out of its message, and ends with the first error of use.
// Without an error the list is complete.
func (i *Inventory) List(ctx context.Context, use func(*InventoryEntry) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := i.p.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, inventory.List)
	if err == nil {
		err = stream.SendMsg(&inventory.ListRequest{})
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err != nil && !errors.Is(err, io.EOF) { // which says that the answer has the reason
		return i.p.explain(ctx, "List", err)
	}
	for {
		var listed inventory.ListResponse
		err := stream.RecvMsg(&listed)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return i.p.explain(ctx, "List", err)
		}
		if err := use(listed.GetEntry()); err != nil {
			return err
		}
	}
}

// Close closes the inventory. The plugin runs on until its own Close.
func (i *Inventory) Close(ctx context.Context) error {
	return i.p.within(ctx, func(ctx context.Context) error {
		return i.p.conn.Invoke(ctx, inventory.Close, &inventory.CloseRequest{}, &inventory.CloseResponse{})
	})
}
