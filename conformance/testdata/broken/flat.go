package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"
)

// flat is a storage in one folder: plakar's own makes 512 folders, which takes long if it is done for every fault and check.
type flat struct{ dir string }

func newFlat(_ context.Context, proto string, config map[string]string) (storage.Store, error) {
	return &flat{strings.TrimPrefix(config["location"], proto+"://")}, nil
}

func (f *flat) Origin() string                      { return "here" }
func (f *flat) Type() string                        { return "flat" }
func (f *flat) Root() string                        { return f.dir }
func (f *flat) Flags() location.Flags               { return location.FLAG_LOCALFS }
func (f *flat) Ping(context.Context) error          { return nil }
func (f *flat) Close(context.Context) error         { return nil }
func (f *flat) Size(context.Context) (int64, error) { return -1, nil }
func (f *flat) Open(context.Context) ([]byte, error) {
	return os.ReadFile(filepath.Join(f.dir, "CONFIG"))
}
func (f *flat) Mode(context.Context) (storage.Mode, error) {
	return storage.ModeRead | storage.ModeWrite, nil
}

func (f *flat) Create(_ context.Context, config []byte) error {
	if err := os.Mkdir(f.dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(f.dir, "CONFIG"), config, 0o600)
}

func (f *flat) path(kind storage.StorageResource, mac objects.MAC) string {
	return filepath.Join(f.dir, fmt.Sprintf("%d-%x", kind, mac))
}

func (f *flat) List(_ context.Context, kind storage.StorageResource) ([]objects.MAC, error) {
	entries, err := os.ReadDir(f.dir)
	var macs []objects.MAC
	for _, entry := range entries {
		name, ours := strings.CutPrefix(entry.Name(), fmt.Sprintf("%d-", kind))
		if mac, err := hex.DecodeString(name); ours && err == nil {
			macs = append(macs, objects.MAC(mac))
		}
	}
	return macs, err
}

func (f *flat) Put(_ context.Context, kind storage.StorageResource, mac objects.MAC, r io.Reader) (int64, error) {
	if kind > storage.StorageResourceECCState {
		return 0, errors.ErrUnsupported
	}
	file, err := os.CreateTemp(f.dir, "new")
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name())
	n, err := io.Copy(file, r)
	if err := errors.Join(err, file.Close()); err != nil {
		return 0, err
	}
	return n, os.Rename(file.Name(), f.path(kind, mac))
}

func (f *flat) Get(
	_ context.Context, kind storage.StorageResource, mac objects.MAC, part *storage.Range,
) (io.ReadCloser, error) {
	data, err := os.ReadFile(f.path(kind, mac))
	if err == nil && part != nil {
		data = data[min(part.Offset, uint64(len(data))):]
		data = data[:min(int(part.Length), len(data))]
	}
	return io.NopCloser(bytes.NewReader(data)), err
}

func (f *flat) Delete(_ context.Context, kind storage.StorageResource, mac objects.MAC) error {
	return os.Remove(f.path(kind, mac))
}
