package sdk

import (
	"context"
	"errors"
	"fmt"

	"github.com/PlakarKorp/kpkg/sdk/internal/rpc"
	"github.com/PlakarKorp/kpkg/sdk/internal/wire"
)

// inventoryService serves an inventory.
type inventoryService struct {
	*session[Inventory]
}

func newInventoryService(construct InventoryFn) func(*guard) service {
	return func(g *guard) service {
		return &inventoryService{newSession("inventory", g, func(ctx context.Context, in wire.Init) (Inventory, error) {
			return construct(ctx, in.Config)
		})}
	}
}

func (s *inventoryService) methods() rpc.Server {
	return s.guarded(map[string]rpc.Method{
		"/inventory.Inventory/Init": func(call *rpc.Call) error {
			return s.initialize(call, wire.DecodeConfigInit, nothing)
		},
		"/inventory.Inventory/List":  s.list,
		"/inventory.Inventory/Close": s.serveClose,
	})
}

var errNilEntry = errors.New("the inventory sent a nil entry")

// list serves List. The first entry that cannot be sent ends it; what the inventory still sends is dropped, as it may not heed
// its context.
func (s *inventoryService) list(call *rpc.Call) error {
	inventory, err := s.get()
	if err != nil {
		return err
	}
	if _, err := call.Request(maxRequest); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(call.Context())
	defer stop(nil)
	entries := make(chan *InventoryEntry)
	done := s.start("inventory's List", func() error { return inventory.List(ctx, entries) })
	var failure error
	var message []byte
	for {
		select {
		case entry, open := <-entries:
			switch {
			case !open:
				entries = nil
			case failure == nil:
				if message, failure = sendEntry(call, entry, message); failure != nil {
					stop(failure)
				}
			}
		case err := <-done:
			if failure != nil {
				return failure
			}
			return err
		}
	}
}

// sendEntry returns the buffer of the message, for the next.
func sendEntry(call *rpc.Call, entry *InventoryEntry, message []byte) ([]byte, error) {
	if entry == nil {
		return nil, errNilEntry
	}
	message = wire.AppendListed(rpc.Begin(message), entry.onWire())
	if err := call.Send(message); err != nil {
		return nil, fmt.Errorf("sending entry %q: %w", wire.Text(entry.URN), err)
	}
	return message, nil
}
