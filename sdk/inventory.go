package sdk

import (
	"context"

	"github.com/PlakarKorp/kpkg/sdk/internal/wire"
)

// Inventory lists what there is to back up: machines, volumes, databases, buckets.
//
// It is unstable: upstream's own interface is not released and in flux, and this one follows it. plakar up to v1.1.4 skips
// connectors of this type.
type Inventory interface {
	// List sends an entry for everything that there is, and returns. What it returns decides whether the list is complete. It
	// may close entries. When ctx ends, nobody wants more of them.
	List(ctx context.Context, entries chan<- *InventoryEntry) error
	// Close is called once, last.
	Close(context.Context) error
}

// InventoryEntry is something that can be backed up. Texts are UTF-8 of at most 64 KiB: bytes that are not UTF-8 are sent as
// \xNN, and what is beyond is left out. An entry of more than 4 MiB cannot be sent, and is the error of its List.
type InventoryEntry struct {
	// Class and Subclass are those of the manifest: see "Classes" above.
	Class, Subclass string
	// Tags are what whoever owns it has marked it with.
	Tags []string
	// URN names it: the same one in each list, and none of another.
	URN string
	// Name is what people call it.
	Name string
	// Region, Service and Resource say where it is, in whose care, and what it is there, in the words of that service.
	Region, Service, Resource string
	// Details are for whoever knows the service: JSON, as a rule.
	Details   []byte
	Endpoints []InventoryEndpoint
	Locators  []InventoryLocator
}

// The types of endpoints.
const (
	EndpointHost  = "host"  // a host name
	EndpointInet4 = "inet4" // an address of IPv4
	EndpointInet6 = "inet6" // an address of IPv6
	EndpointUUID  = "uuid"  // a UUID, such as that of a disk
)

// InventoryEndpoint is where an entry is reached. Type is one of those above.
type InventoryEndpoint struct{ Type, Endpoint string }

// InventoryLocator is what another system calls an entry.
type InventoryLocator struct {
	Type, Identifier string
	Attributes       map[string]string
}

// InventoryFn constructs an inventory. The host calls it once in a process; ctx and config are as for an [ImporterFn], but that
// there need not be a location.
type InventoryFn func(ctx context.Context, config map[string]string) (Inventory, error)

// InventoryFrom makes an InventoryFn of a constructor that returns a type of its own.
func InventoryFrom[I Inventory](construct func(context.Context, map[string]string) (I, error)) InventoryFn {
	return func(ctx context.Context, config map[string]string) (Inventory, error) {
		return some[Inventory](construct(ctx, config))
	}
}

// onWire is the entry as it is sent.
func (e *InventoryEntry) onWire() wire.InventoryEntry {
	sent := wire.InventoryEntry{
		Class: e.Class, Subclass: e.Subclass, Tags: e.Tags, URN: e.URN, Name: e.Name,
		Region: e.Region, Service: e.Service, Resource: e.Resource, Details: e.Details,
	}
	for _, endpoint := range e.Endpoints {
		sent.Endpoints = append(sent.Endpoints, wire.InventoryEndpoint(endpoint))
	}
	for _, locator := range e.Locators {
		sent.Locators = append(sent.Locators, wire.InventoryLocator(locator))
	}
	return sent
}
