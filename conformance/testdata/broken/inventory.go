package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/PlakarKorp/kloset/connectors"

	"github.com/PlakarKorp/kpkg/sdk"
)

func brokenInventory(fault string) func(context.Context, map[string]string) (*faultyInventory, error) {
	return func(_ context.Context, config map[string]string) (*faultyInventory, error) {
		return &faultyInventory{fault: fault, password: config["password"]}, initFault(fault, &connectors.Options{}, config)
	}
}

// faultyInventory lists 200 databases.
type faultyInventory struct {
	fault, password string
	leak            leak
	busy            atomic.Int32
	lists           atomic.Int32
	usedUp          atomic.Bool
}

func (f *faultyInventory) Close(context.Context) error { return nil }

func (f *faultyInventory) List(ctx context.Context, entries chan<- *sdk.InventoryEntry) error {
	markWork(f.fault)
	f.leak.grow(f.fault)
	list := f.lists.Add(1)
	defer f.busy.Add(-1)
	if f.busy.Add(1) > 1 && f.fault == "lists one at a time" {
		return errors.New("busy")
	}
	if f.usedUp.Load() {
		return errors.New("used up")
	}
	for i := range 200 {
		entry := &sdk.InventoryEntry{
			Class: "database", Subclass: "postgresql", URN: fmt.Sprintf("urn:db:%d", i), Name: fmt.Sprint("db ", i),
			Endpoints: []sdk.InventoryEndpoint{
				{Type: sdk.EndpointHost, Endpoint: "db.example.org"}, {Type: sdk.EndpointInet4, Endpoint: "192.0.2.1"},
				{Type: sdk.EndpointInet6, Endpoint: "2001:db8::1"}, {Type: sdk.EndpointUUID, Endpoint: "2f1e8c9a-6f0b"},
			},
			Locators: []sdk.InventoryLocator{{Type: "postgresql", Identifier: fmt.Sprint(i)}},
		}
		if i == 99 {
			f.spoil(entry, list)
		}
		if f.fault == "is used up when cancelled" && i == 1 { // or all of it is on its way before the host can cancel
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
		select {
		case entries <- entry:
		case <-ctx.Done():
			f.usedUp.Store(f.fault == "is used up when cancelled")
			return ctx.Err()
		}
	}
	if f.fault == "lists one at a time" {
		time.Sleep(20 * time.Millisecond)
	}
	if f.fault == "fails at the end" {
		return errors.New("the connection was lost")
	}
	return nil
}

// spoil makes of one entry what the fault says.
func (f *faultyInventory) spoil(entry *sdk.InventoryEntry, list int32) {
	switch f.fault {
	case "has no URN":
		entry.URN = ""
	case "lists an entry twice":
		entry.URN = "urn:db:98"
	case "has no name":
		entry.Name = " "
	case "knows a class of its own":
		entry.Class, entry.Subclass = "disks", ""
	case "knows a subclass of another class":
		entry.Subclass = "s3"
	case "lists control characters":
		entry.Name = "\x1b[2J"
	case "says that a name is an address":
		entry.Endpoints[1].Endpoint = "db.example.org"
	case "has endpoints of a type of its own":
		entry.Endpoints[1].Type = "socket"
	case "has an empty locator":
		entry.Locators[0].Identifier = ""
	case "differs each time":
		entry.URN += fmt.Sprint("-", list)
	case "lists the password":
		entry.Details = []byte(`{"url": "postgresql://me:` + f.password + `@db.example.org"}`)
	}
}
