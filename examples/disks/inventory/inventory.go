// Package inventory lists the file systems of this machine's disks, as Linux tells of them.
package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"

	"github.com/PlakarKorp/kpkg/sdk"
)

const (
	mountsFile = "/proc/self/mountinfo"
	uuidFolder = "/dev/disk/by-uuid"
)

// Inventory lists file systems that are mounted from disks.
type Inventory struct{ host string }

// New makes the inventory. There is nothing to configure.
func New(context.Context, map[string]string) (*Inventory, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("asking for the name of this machine: %w", err)
	}
	return &Inventory{host}, nil
}

// Close has nothing to close.
func (i *Inventory) Close(context.Context) error { return nil }

// List sends an entry for each file system.
func (i *Inventory) List(ctx context.Context, entries chan<- *sdk.InventoryEntry) error {
	file, err := os.Open(mountsFile)
	if err != nil {
		return fmt.Errorf("listing what is mounted, which Linux alone tells: %w", err)
	}
	defer file.Close()
	disks, err := readMounts(file)
	if err != nil {
		return fmt.Errorf("reading %s: %w", mountsFile, err)
	}
	uuids := readUUIDs(uuidFolder)
	for _, d := range disks {
		select {
		case entries <- d.entry(i.host, uuids[d.device]):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// readUUIDs are the UUIDs of file systems by the paths of their devices. Where udev does not run there are none.
func readUUIDs(folder string) map[string]string {
	uuids := map[string]string{}
	links, _ := filepath.Glob(filepath.Join(folder, "*"))
	for _, link := range links {
		if device, err := filepath.EvalSymlinks(link); err == nil {
			uuids[device] = filepath.Base(link)
		}
	}
	return uuids
}

// uuidForm is that of RFC 9562: file systems such as FAT have shorter numbers, which are no UUIDs.
var uuidForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// entry is what the inventory says of a disk. The URN is that of the file system, wherever it is mounted, if it has a UUID.
func (d *disk) entry(host, uuid string) *sdk.InventoryEntry {
	e := &sdk.InventoryEntry{
		Class: "block-storage", URN: "urn:disk:" + url.PathEscape(host) + ":" + url.PathEscape(d.device), Name: shown(d.mounts[0]),
		Service: host, Resource: shown(d.device),
		Endpoints: []sdk.InventoryEndpoint{{Type: sdk.EndpointHost, Endpoint: host}},
	}
	if uuidForm.MatchString(uuid) {
		e.URN = "urn:uuid:" + uuid
		e.Endpoints = append(e.Endpoints, sdk.InventoryEndpoint{Type: sdk.EndpointUUID, Endpoint: uuid})
	}
	for _, mount := range d.mounts { // what plakar's own importer of local files takes
		location := url.URL{Scheme: "fs", Path: mount}
		e.Locators = append(e.Locators, sdk.InventoryLocator{
			Type: "location", Identifier: "fs://" + location.EscapedPath(), Attributes: map[string]string{"file_system": d.kind},
		})
	}
	e.Details, _ = json.Marshal(map[string]any{"file_system": d.kind, "mounts": d.mounts, "read_only": d.readOnly})
	return e
}
