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
	"strings"
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

// Create makes a store in a folder that is empty or not there, or in which one was not made to its end.
func (s *Storage) Create(ctx context.Context, config []byte) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	if err := client.MkdirAll(s.root); err != nil {
		return fmt.Errorf("make the folder of the store: %w", s.named(err))
	}
	if err := s.free(ctx, client); err != nil {
		return err
	}
	for _, kind := range kinds {
		if err := client.MkdirAll(path.Join(s.root, kind)); err != nil {
			return fmt.Errorf("make the folder of %s: %w", kind, s.named(err))
		}
	}
	// Not over that of somebody who makes one at this moment: a rename of version 3 does not replace.
	content := &source{from: bytes.NewReader(config), size: int64(len(config))}
	_, err = client.upload(s.config(), content, true, func(partial string) error { return client.Rename(partial, s.config()) })
	if err != nil {
		return fmt.Errorf("write the configuration: %w", s.named(err))
	}
	return nil
}

// free fails if there is anything in the folder but what a Create leaves that was cut off: the configuration comes last.
func (s *Storage) free(ctx context.Context, client *connection) error {
	there, err := client.ReadDirContext(ctx, s.root)
	if err != nil {
		return fmt.Errorf("look into the folder of the store: %w", s.named(err))
	}
	for _, entry := range there {
		name := entry.Name()
		left := strings.HasPrefix(name, partialPrefix)
		for _, kind := range kinds {
			if name != kind || !entry.IsDir() {
				continue
			}
			within, err := client.ReadDirContext(ctx, path.Join(s.root, kind))
			if err != nil {
				return fmt.Errorf("look into the folder of %s: %w", kind, s.named(err))
			}
			left = len(within) == 0
		}
		if !left {
			return errors.New("the folder is not empty: a store is made in an empty one")
		}
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
		return nil, fmt.Errorf("open the configuration of a store: %w", s.named(err))
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxConfig))
	return data, s.named(err)
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

func (s *Storage) pathOf(kind sdk.Resource, mac objects.MAC) (string, error) {
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
		return fmt.Errorf("list %s: %w", kinds[kind], s.named(err))
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	var mu sync.Mutex
	for _, part := range parts {
		group.Go(func() error {
			files, err := client.ReadDirContext(ctx, path.Join(folder, part.Name()))
			if err != nil {
				return fmt.Errorf("list %s: %w", kinds[kind], s.named(err))
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
	name, err := s.pathOf(kind, mac)
	if err != nil {
		return 0, err
	}
	if _, err := client.Stat(path.Dir(name)); errors.Is(err, fs.ErrNotExist) {
		if err := client.MkdirAll(path.Dir(name)); err != nil {
			return 0, fmt.Errorf("make a folder of the store: %w", s.named(err))
		}
	}
	size, err := client.upload(name, &source{from: r, size: -1}, true, func(partial string) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return client.replace(partial, name)
	})
	return size, s.named(err)
}

// Get opens an object, or a part of it.
func (s *Storage) Get(ctx context.Context, kind sdk.Resource, mac objects.MAC, part *sdk.Range) (io.ReadCloser, error) {
	client, err := s.client(ctx)
	if err != nil {
		return nil, err
	}
	name, err := s.pathOf(kind, mac)
	if err != nil {
		return nil, err
	}
	file, err := client.Open(name)
	if err != nil {
		return nil, s.named(err)
	}
	if part == nil {
		r := readAhead(file, file, maxBlock)
		return &object{r, r, s.account}, nil
	}
	section := io.NewSectionReader(file, int64(part.Offset), int64(part.Length))
	if part.Length <= packet {
		return &object{section, file, s.account}, nil
	}
	r := readAhead(section, file, int64(part.Length))
	return &object{r, r, s.account}, nil
}

// object is an object that is read.
type object struct {
	io.Reader
	io.Closer
	of account
}

func (o *object) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	return n, o.of.named(err)
}

// Delete removes an object.
func (s *Storage) Delete(ctx context.Context, kind sdk.Resource, mac objects.MAC) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	name, err := s.pathOf(kind, mac)
	if err != nil {
		return err
	}
	return s.named(client.Remove(name))
}
