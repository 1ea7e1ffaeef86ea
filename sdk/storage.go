package sdk

import (
	"context"
	"io"

	"github.com/PlakarKorp/kloset/objects"
)

// Mode says what a storage can be used for.
type Mode uint32

const (
	ModeWrite Mode = 1 << 1
	ModeRead  Mode = 1 << 2
)

// Resource is a kind of object in a storage.
type Resource uint32

const (
	ResourcePackfile    Resource = 1
	ResourceState       Resource = 2
	ResourceLock        Resource = 3
	ResourceECCPackfile Resource = 4
	ResourceECCState    Resource = 5
)

// Range is a part of an object, in bytes.
type Range struct {
	Offset uint64
	Length uint32
}

// RangeOf is Range, or kloset's own type for it.
type RangeOf interface {
	~struct {
		Offset uint64
		Length uint32
	}
}

// StoreOf is a storage with whichever types for Mode, Resource and Range: kloset's storage.Store, method for method,
// is the one with kloset's.
type StoreOf[M, R ~uint32, G RangeOf] interface {
	// Create makes a new storage with this configuration, and fails if there is one.
	Create(ctx context.Context, config []byte) error
	// Open returns the configuration the storage was created with.
	Open(context.Context) ([]byte, error)
	// Ping reports whether the storage can be reached.
	Ping(context.Context) error

	Origin() string
	Type() string
	Root() string
	// Flags are those of the manifest's location_flags.
	Flags() Flags

	Mode(context.Context) (M, error)
	// Size is how many bytes the storage takes, -1 if that is not known.
	Size(context.Context) (int64, error)
	List(context.Context, R) ([]objects.MAC, error)
	// Put stores what it reads, all or nothing: an error from the reader means that the object must not appear. It
	// returns the number of bytes stored.
	Put(context.Context, R, objects.MAC, io.Reader) (int64, error)
	// Get returns an object, or the part of it in a range.
	Get(context.Context, R, objects.MAC, *G) (io.ReadCloser, error)
	Delete(context.Context, R, objects.MAC) error

	// Close is called once, last.
	Close(context.Context) error
}

// Store keeps a kloset.
type Store interface {
	StoreOf[Mode, Resource, Range]
}

// StoreFn constructs a storage. plakar calls it once in a process, before Create or Open; what goes in and what may come out is
// as for an [ImporterFn], without options. Whether there is a storage at the location is for Create and Open to find out.
type StoreFn func(ctx context.Context, proto string, config map[string]string) (Store, error)

// StorageFrom makes a StoreFn of a constructor with other types: kloset's storage.StoreFn, or one that returns a type of its own.
func StorageFrom[S StoreOf[M, R, G], M, R ~uint32, G RangeOf](
	construct func(context.Context, string, map[string]string) (S, error),
) StoreFn {
	return func(ctx context.Context, proto string, config map[string]string) (Store, error) {
		store, err := some[StoreOf[M, R, G]](construct(ctx, proto, config))
		if err != nil {
			return nil, err
		}
		return converted[M, R, G]{store}, nil
	}
}

// converted is a Store on top of one with other types.
type converted[M, R ~uint32, G RangeOf] struct {
	store StoreOf[M, R, G]
}

func (c converted[M, R, G]) Create(ctx context.Context, config []byte) error {
	return c.store.Create(ctx, config)
}
func (c converted[M, R, G]) Open(ctx context.Context) ([]byte, error) { return c.store.Open(ctx) }
func (c converted[M, R, G]) Ping(ctx context.Context) error           { return c.store.Ping(ctx) }
func (c converted[M, R, G]) Origin() string                           { return c.store.Origin() }
func (c converted[M, R, G]) Type() string                             { return c.store.Type() }
func (c converted[M, R, G]) Root() string                             { return c.store.Root() }
func (c converted[M, R, G]) Flags() Flags                             { return c.store.Flags() }
func (c converted[M, R, G]) Size(ctx context.Context) (int64, error)  { return c.store.Size(ctx) }
func (c converted[M, R, G]) Close(ctx context.Context) error          { return c.store.Close(ctx) }

func (c converted[M, R, G]) Mode(ctx context.Context) (Mode, error) {
	mode, err := c.store.Mode(ctx)
	return Mode(mode), err
}

func (c converted[M, R, G]) List(ctx context.Context, resource Resource) ([]objects.MAC, error) {
	return c.store.List(ctx, R(resource))
}

func (c converted[M, R, G]) Put(ctx context.Context, resource Resource, mac objects.MAC, r io.Reader) (int64, error) {
	return c.store.Put(ctx, R(resource), mac, r)
}

func (c converted[M, R, G]) Get(
	ctx context.Context, resource Resource, mac objects.MAC, part *Range,
) (io.ReadCloser, error) {
	if part == nil {
		return c.store.Get(ctx, R(resource), mac, nil)
	}
	g := G(*part)
	return c.store.Get(ctx, R(resource), mac, &g)
}

func (c converted[M, R, G]) Delete(ctx context.Context, resource Resource, mac objects.MAC) error {
	return c.store.Delete(ctx, R(resource), mac)
}
