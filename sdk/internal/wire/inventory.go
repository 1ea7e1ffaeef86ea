package wire

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// InventoryEntry is what an inventory lists.
type InventoryEntry struct {
	Class, Subclass           string
	Tags                      []string
	URN, Name                 string
	Region, Service, Resource string
	Details                   []byte
	Endpoints                 []InventoryEndpoint
	Locators                  []InventoryLocator
}

// InventoryEndpoint is where an entry is reached.
type InventoryEndpoint struct{ Type, Endpoint string }

// InventoryLocator is what another system calls an entry.
type InventoryLocator struct {
	Type, Identifier string
	Attributes       map[string]string
}

// AppendListed appends the ListResponse that carries an entry.
func AppendListed(b []byte, e InventoryEntry) []byte {
	return appendMessage(b, 1, func(b []byte) []byte { return appendEntry(b, e) })
}

func appendEntry(b []byte, e InventoryEntry) []byte {
	b = appendText(b, 1, Text(e.Class))
	b = appendText(b, 2, Text(e.Subclass))
	for _, tag := range e.Tags {
		b = appendString(b, 3, Text(tag))
	}
	b = appendText(b, 4, Text(e.URN))
	b = appendText(b, 5, Text(e.Name))
	b = appendText(b, 6, Text(e.Region))
	b = appendText(b, 7, Text(e.Service))
	b = appendText(b, 8, Text(e.Resource))
	if len(e.Details) > 0 {
		b = protowire.AppendTag(b, 9, protowire.BytesType)
		b = protowire.AppendBytes(b, e.Details)
	}
	for _, endpoint := range e.Endpoints {
		b = appendMessage(b, 10, func(b []byte) []byte {
			return appendText(appendText(b, 1, Text(endpoint.Type)), 2, Text(endpoint.Endpoint))
		})
	}
	for _, locator := range e.Locators {
		b = appendMessage(b, 11, func(b []byte) []byte { return appendLocator(b, locator) })
	}
	return b
}

// appendLocator sorts the attributes: the same entry is the same bytes.
func appendLocator(b []byte, l InventoryLocator) []byte {
	b = appendText(appendText(b, 1, Text(l.Type)), 2, Text(l.Identifier))
	for _, key := range slices.Sorted(maps.Keys(l.Attributes)) {
		b = appendMessage(b, 3, func(b []byte) []byte {
			return appendText(appendText(b, 1, Text(key)), 2, Text(l.Attributes[key]))
		})
	}
	return b
}
