package connector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/minio/minio-go/v7"

	"github.com/PlakarKorp/kpkg/sdk"
)

// maxUploads is how many objects are written at once.
const maxUploads = 16

// Exporter is one prefix of one bucket. It restores files and folders, their permissions and times.
type Exporter struct {
	*bucket
	workers int
}

// NewExporter asks the server of the location for the bucket. ctx bounds that alone. A key that may write and not list will do.
func NewExporter(ctx context.Context, opts *sdk.Options, proto string, config map[string]string) (*Exporter, error) {
	a, err := newAccount(proto, config)
	if err != nil {
		return nil, err
	}
	b, err := dial(ctx, a, "AccessDenied")
	return &Exporter{b, min(max(opts.MaxConcurrency, 1), maxUploads)}, err
}

// Flags is 0: the bucket is not on this machine.
func (exp *Exporter) Flags() sdk.Flags { return 0 }

// Export writes what it is given and answers for each record. Objects that are there are replaced.
func (exp *Exporter) Export(ctx context.Context, records <-chan *connectors.Record, results chan<- *connectors.Result) error {
	defer close(results)
	ctx, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	var uploads sync.WaitGroup
	defer uploads.Wait()
	workers := make(chan struct{}, exp.workers)
	answer := func(record *connectors.Record, err error) {
		if err != nil {
			results <- record.Error(err)
		} else {
			results <- record.Ok()
		}
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case record, more := <-records:
			if !more {
				return nil
			}
			key, err := exp.target(record)
			if err != nil || !record.FileInfo.Mode().IsRegular() {
				if err == nil {
					// Before what is in it: a server that keeps objects in files has room for one of the two.
					err = exp.folder(ctx, key, record)
				}
				if unreachable(err) {
					lose(err)
				}
				answer(record, err)
				continue
			}
			workers <- struct{}{}
			uploads.Go(func() {
				defer func() { <-workers }()
				_, err := exp.upload(ctx, key, record.Reader, record.FileInfo.Size(), exp.options(record))
				if unreachable(err) { // after all attempts; each of the other files would make as many
					lose(err)
				}
				answer(record, err)
			})
		}
	}
}

// target is the key of what a record is about.
func (exp *Exporter) target(record *connectors.Record) (string, error) {
	mode := record.FileInfo.Mode()
	switch {
	case record.Err != nil:
		return "", record.Err
	case record.IsXattr:
		return "", errors.New("S3 has no extended attributes")
	case !path.IsAbs(record.Pathname) || path.Clean(record.Pathname) != record.Pathname:
		return "", errors.New("its path is not absolute and clean")
	case mode&fs.ModeSymlink != 0:
		return "", errors.New("S3 has no links")
	case !mode.IsRegular() && !mode.IsDir():
		return "", fmt.Errorf("it is a %v; S3 has files, and folders of a kind", mode.Type())
	}
	key := exp.prefix + strings.TrimPrefix(record.Pathname, "/")
	if len(key) >= maxKey {
		return "", fmt.Errorf("its key has %d bytes, and keys have %d at most", len(key), maxKey)
	}
	return key, nil
}

// maxKey is how long a key may be in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKey = 1024

func (exp *Exporter) options(record *connectors.Record) minio.PutObjectOptions {
	return minio.PutObjectOptions{UserMetadata: metadata(record.FileInfo.Mode(), record.FileInfo.ModTime())}
}

// folder writes an empty object whose key ends with /, as other programs do, which keeps an empty folder, permissions and a time.
func (exp *Exporter) folder(ctx context.Context, key string, record *connectors.Record) error {
	key = strings.TrimSuffix(key, "/")
	if key == "" { // the bucket itself
		return nil
	}
	if _, err := exp.api.StatObject(ctx, exp.account.bucket, key, minio.StatObjectOptions{}); err == nil {
		if err := exp.api.RemoveObject(ctx, exp.account.bucket, key, minio.RemoveObjectOptions{}); err != nil {
			return fmt.Errorf("remove the object in the place of the folder: %w", exp.explain(err))
		}
	}
	opts := exp.options(record)
	opts.ContentType = "application/x-directory"
	_, err := exp.upload(ctx, key+"/", nil, 0, opts)
	return err
}
