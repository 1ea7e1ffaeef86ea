package connector

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/minio/minio-go/v7"

	"github.com/PlakarKorp/kpkg/sdk"
)

// maxConfig is how long a configuration may be; plakar's are some hundred bytes.
const maxConfig = 1 << 20

// Storage keeps a store below a prefix: CONFIG, and each object below its kind and its first two digits, as plakar's own storage
// of local folders has them.
type Storage struct{ *bucket }

// NewStorage asks the server of the location for the bucket, which Create makes if there is none. ctx bounds that alone.
func NewStorage(ctx context.Context, proto string, config map[string]string) (*Storage, error) {
	a, err := newAccount(proto, config)
	if err != nil {
		return nil, err
	}
	b, err := dial(ctx, a, "NoSuchBucket")
	return &Storage{b}, err
}

// Flags is 0: the bucket is not on this machine.
func (s *Storage) Flags() sdk.Flags { return 0 }

func (s *Storage) config() string { return s.prefix + "CONFIG" }

// Create makes a store where there is nothing below the prefix.
func (s *Storage) Create(ctx context.Context, config []byte) error {
	there, err := s.any(ctx)
	if codeOf(err) == "NoSuchBucket" {
		err = s.api.MakeBucket(ctx, s.account.bucket, minio.MakeBucketOptions{Region: s.region})
		if err != nil && codeOf(err) != "BucketAlreadyOwnedByYou" { // by somebody who makes a store at this moment
			return fmt.Errorf("make the bucket: %w", s.explain(err))
		}
		err = nil
	}
	if err != nil {
		return fmt.Errorf("look into the bucket: %w", err)
	}
	if there {
		return errors.New("there are objects below the prefix: a store is made where there are none")
	}
	// Not over that of somebody who makes one at this moment, where the server can tell.
	opts := minio.PutObjectOptions{}
	opts.SetMatchETagExcept("*")
	_, err = s.upload(ctx, s.config(), bytes.NewReader(config), int64(len(config)), opts)
	if codeOf(err) == "NotImplemented" {
		_, err = s.upload(ctx, s.config(), bytes.NewReader(config), int64(len(config)), minio.PutObjectOptions{})
	}
	if codeOf(err) == "PreconditionFailed" { // ours, if the answer to the first attempt was lost
		if wrote, openErr := s.Open(ctx); openErr == nil && bytes.Equal(wrote, config) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

// Open returns the configuration.
func (s *Storage) Open(context.Context) ([]byte, error) {
	r, err := s.open(s.config(), 0, 0)
	if err != nil {
		return nil, fmt.Errorf("open the configuration of a store: %w", err)
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxConfig))
}

// Mode is reading and writing.
func (s *Storage) Mode(context.Context) (sdk.Mode, error) { return sdk.ModeRead | sdk.ModeWrite, nil }

// kinds begin the keys of what a store holds.
var kinds = map[sdk.Resource]string{
	sdk.ResourcePackfile: "packfiles", sdk.ResourceState: "states", sdk.ResourceLock: "locks",
}

// below is what the keys of all objects of a kind begin with.
func (s *Storage) below(kind sdk.Resource) (string, error) {
	name, known := kinds[kind]
	if !known {
		return "", fmt.Errorf("objects of kind %d are not kept", kind)
	}
	return s.prefix + name + "/", nil
}

func (s *Storage) object(kind sdk.Resource, mac objects.MAC) (string, error) {
	below, err := s.below(kind)
	name := hex.EncodeToString(mac[:])
	return below + name[:2] + "/" + name, err
}

// Size adds up all objects, for which it lists them.
func (s *Storage) Size(ctx context.Context) (int64, error) {
	var size int64
	err := s.list(ctx, s.prefix, func(object minio.ObjectInfo) error {
		size += object.Size
		return nil
	})
	return size, err
}

// List lists the objects of a kind.
func (s *Storage) List(ctx context.Context, kind sdk.Resource) ([]objects.MAC, error) {
	below, err := s.below(kind)
	if err != nil {
		return nil, err
	}
	var found []objects.MAC
	err = s.list(ctx, below, func(object minio.ObjectInfo) error {
		var mac objects.MAC
		name := path.Base(object.Key)
		if len(name) == 2*len(mac) && strings.HasPrefix(object.Key, below+name[:2]+"/") {
			if n, err := hex.Decode(mac[:], []byte(name)); err == nil && n == len(mac) {
				found = append(found, mac)
			}
		}
		return nil
	})
	return found, err
}

// Put stores an object, whole or not at all.
func (s *Storage) Put(ctx context.Context, kind sdk.Resource, mac objects.MAC, r io.Reader) (int64, error) {
	key, err := s.object(kind, mac)
	if err != nil {
		return 0, err
	}
	return s.upload(ctx, key, r, 0, minio.PutObjectOptions{})
}

// Get opens an object, or a part of it.
func (s *Storage) Get(_ context.Context, kind sdk.Resource, mac objects.MAC, part *sdk.Range) (io.ReadCloser, error) {
	key, err := s.object(kind, mac)
	if err != nil {
		return nil, err
	}
	if part == nil {
		return s.open(key, 0, 0)
	}
	if part.Length == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	r, err := s.open(key, int64(part.Offset), int64(part.Length))
	if codeOf(err) == "InvalidRange" { // it begins at the end, or after it
		return io.NopCloser(strings.NewReader("")), nil
	}
	return r, err
}

// Delete removes an object. One that is not there is no error to S3.
func (s *Storage) Delete(ctx context.Context, kind sdk.Resource, mac objects.MAC) error {
	key, err := s.object(kind, mac)
	if err != nil {
		return err
	}
	return s.explain(s.api.RemoveObject(ctx, s.account.bucket, key, minio.RemoveObjectOptions{}))
}
