package connector

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/minio/minio-go/v7"
)

// maxResumes is how often in a row a download may break off without a byte in between.
const maxResumes = 5

// download reads an object up to the byte before end; 0 is all of it. When the connection breaks off, the rest comes over another, as
// long as the object is the same.
type download struct {
	*bucket
	ctx   context.Context
	stop  context.CancelFunc
	key   string
	at    int64 // the next byte
	end   int64
	etag  string
	body  io.ReadCloser
	tries int
}

// open opens an object, or length bytes of it from offset on where length is not 0.
func (b *bucket) open(key string, offset, length int64) (io.ReadCloser, error) {
	ctx, stop := context.WithCancel(b.life)
	d := &download{bucket: b, ctx: ctx, stop: stop, key: key, at: offset}
	if length > 0 {
		d.end = offset + length
	}
	if err := d.ask(); err != nil {
		stop()
		return nil, err
	}
	return d, nil
}

func (d *download) ask() error {
	var opts minio.GetObjectOptions
	if d.end > 0 {
		if err := opts.SetRange(d.at, d.end-1); err != nil {
			return err
		}
	} else if d.at > 0 {
		if err := opts.SetRange(d.at, 0); err != nil {
			return err
		}
	}
	if d.etag != "" {
		if err := opts.SetMatchETag(d.etag); err != nil {
			return err
		}
	}
	body, info, _, err := d.api.GetObject(d.ctx, d.account.bucket, d.key, opts)
	if codeOf(err) == "PreconditionFailed" {
		return errors.New("it was replaced while it was read")
	}
	if err != nil {
		return d.explain(err)
	}
	d.body, d.etag = body, info.ETag
	return nil
}

// Read resumes what breaks off.
func (d *download) Read(p []byte) (int, error) {
	for {
		n, err := d.body.Read(p)
		d.at += int64(n)
		if n > 0 {
			d.tries = 0
		}
		if err == nil || err == io.EOF { // one that wraps it is of something that broke off
			return n, err
		}
		if n > 0 {
			return n, nil // and the error again next time
		}
		if d.tries++; d.ctx.Err() != nil || d.etag == "" || d.tries > maxResumes {
			return 0, fmt.Errorf("after %d bytes: %w", d.at, err)
		}
		d.body.Close()
		if err := d.ask(); err != nil {
			return 0, fmt.Errorf("go on after %d bytes: %w", d.at, err)
		}
	}
}

// Close ends the request, read or not.
func (d *download) Close() error {
	d.stop()
	return d.body.Close()
}
