package connector

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"

	"github.com/PlakarKorp/kloset/objects"
	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/sdk"
)

// maxConfig is how long a configuration may be; plakar's are some hundred bytes.
const maxConfig = 1 << 20

// Storage keeps a store in a folder: CONFIG, and each object in the folder of its kind, below one of its first two digits, as plakar's
// own storage of local folders has them.
type Storage struct{ *server }

// NewStorage connects to the server of the location. ctx bounds that alone.
func NewStorage(ctx context.Context, proto string, config map[string]string) (*Storage, error) {
	a, err := newAccount(proto, config)
	if err != nil {
		return nil, err
	}
	s, err := dial(ctx, a)
	return &Storage{s}, err
}

// Flags is 0: the folder is not on this machine.
func (s *Storage) Flags() sdk.Flags { return 0 }

func (s *Storage) config() string { return path.Join(s.root, "CONFIG") }

// Create makes a store in a folder that is empty or not there.
func (s *Storage) Create(ctx context.Context, config []byte) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	if err := client.MkdirAll(s.root); err != nil {
		return fmt.Errorf("make the folder of the store: %w", err)
	}
	there, err := client.ReadDirContext(ctx, s.root)
	if err != nil {
		return fmt.Errorf("look into the folder of the store: %w", err)
	}
	if len(there) > 0 {
		return errors.New("the folder is not empty: a store is made in an empty one")
	}
	for _, kind := range kinds {
		if err := client.Mkdir(path.Join(s.root, kind)); err != nil {
			return fmt.Errorf("make the folder of %s: %w", kind, err)
		}
	}
	// Not over that of somebody who makes one at this moment: a rename of version 3 does not replace.
	_, err = client.upload(s.config(), bytes.NewReader(config), client.Rename, func(string) error { return nil })
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

// Open returns the configuration.
func (s *Storage) Open(ctx context.Context) ([]byte, error) {
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	file, err := client.Open(s.config())
	if err != nil {
		return nil, fmt.Errorf("open the configuration of a store: %w", err)
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxConfig))
}

// Mode is reading and writing.
func (s *Storage) Mode(context.Context) (sdk.Mode, error) { return sdk.ModeRead | sdk.ModeWrite, nil }

// kinds are the folders of what a store holds.
var kinds = map[sdk.Resource]string{
	sdk.ResourcePackfile: "packfiles", sdk.ResourceState: "states", sdk.ResourceLock: "locks",
}

// folder is where objects of a kind are.
func (s *Storage) folder(kind sdk.Resource) (string, error) {
	name, known := kinds[kind]
	if !known {
		return "", fmt.Errorf("objects of kind %d are not kept", kind)
	}
	return path.Join(s.root, name), nil
}

func (s *Storage) object(kind sdk.Resource, mac objects.MAC) (string, error) {
	folder, err := s.folder(kind)
	name := hex.EncodeToString(mac[:])
	return path.Join(folder, name[:2], name), err
}

// each visits the objects of a kind, several folders at once.
func (s *Storage) each(ctx context.Context, kind sdk.Resource, visit func(objects.MAC, fs.FileInfo)) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	folder, err := s.folder(kind)
	if err != nil {
		return err
	}
	parts, err := client.ReadDirContext(ctx, folder)
	if err != nil {
		return fmt.Errorf("list %s: %w", kinds[kind], err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	var mu sync.Mutex
	for _, part := range parts {
		group.Go(func() error {
			files, err := client.ReadDirContext(ctx, path.Join(folder, part.Name()))
			if err != nil {
				return fmt.Errorf("list %s: %w", kinds[kind], err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, file := range files {
				var mac objects.MAC
				if n, err := hex.Decode(mac[:], []byte(file.Name())); err == nil && n == len(mac) && len(file.Name()) == 2*n {
					visit(mac, file)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// Size adds up all objects, for which it lists them.
func (s *Storage) Size(ctx context.Context) (int64, error) {
	var size int64
	for kind := range kinds {
		if err := s.each(ctx, kind, func(_ objects.MAC, file fs.FileInfo) { size += file.Size() }); err != nil {
			return 0, err
		}
	}
	return size, nil
}

// List lists the objects of a kind that are complete.
func (s *Storage) List(ctx context.Context, kind sdk.Resource) ([]objects.MAC, error) {
	var found []objects.MAC
	err := s.each(ctx, kind, func(mac objects.MAC, _ fs.FileInfo) { found = append(found, mac) })
	return found, err
}

// Put stores an object, whole or not at all.
func (s *Storage) Put(ctx context.Context, kind sdk.Resource, mac objects.MAC, r io.Reader) (int64, error) {
	client, err := s.client(ctx)
	if err != nil {
		return 0, err
	}
	name, err := s.object(kind, mac)
	if err != nil {
		return 0, err
	}
	if _, err := client.Stat(path.Dir(name)); errors.Is(err, fs.ErrNotExist) {
		if err := client.MkdirAll(path.Dir(name)); err != nil {
			return 0, fmt.Errorf("make a folder of the store: %w", err)
		}
	}
	return client.upload(name, r, client.replace, func(string) error { return context.Cause(ctx) })
}

// Get opens an object, or a part of it.
func (s *Storage) Get(ctx context.Context, kind sdk.Resource, mac objects.MAC, part *sdk.Range) (io.ReadCloser, error) {
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	name, err := s.object(kind, mac)
	if err != nil {
		return nil, err
	}
	file, err := client.Open(name)
	if err != nil || part == nil {
		return file, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(file, int64(part.Offset), int64(part.Length)), file}, nil
}

// Delete removes an object.
func (s *Storage) Delete(ctx context.Context, kind sdk.Resource, mac objects.MAC) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	name, err := s.object(kind, mac)
	if err != nil {
		return err
	}
	return client.Remove(name)
}
