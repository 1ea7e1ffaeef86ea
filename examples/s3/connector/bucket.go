package connector

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
)

const (
	// patience is how long a server may be silent while something is sent or received.
	patience = 60 * time.Second
	// maxIdle is how many connections wait for the next request.
	maxIdle = 64
	// writeBuffer takes a request with a small object whole, in bytes: it leaves in one record and one packet.
	writeBuffer = 16 << 10
)

// bucket is a prefix in a bucket of a server.
type bucket struct {
	account
	api minio.Core

	// onlyMD5 is set when the server has shown that it compares no other sums.
	onlyMD5 atomic.Bool

	// life ends when the connector is closed: what is read of objects then fails.
	life context.Context
	end  context.CancelFunc
}

// dial asks for the bucket, so that a wrong host, bucket or key is known at once. tolerate are codes of errors that say nothing
// of these.
func dial(ctx context.Context, a account, tolerate ...string) (*bucket, error) {
	keys, err := a.credentials()
	if err != nil {
		return nil, err
	}
	transport, err := a.transport()
	if err != nil {
		return nil, err
	}
	api, err := minio.NewCore(a.endpoint, &minio.Options{
		Creds: keys, Secure: !a.plain, Transport: transport, Region: a.region, BucketLookup: a.lookup,
	})
	if err != nil {
		return nil, fmt.Errorf("the server of the location: %w", err)
	}
	api.SetAppInfo("kpkg-example-s3", "1")
	b := &bucket{account: a, api: *api}
	b.life, b.end = context.WithCancel(context.Background())
	err = b.Ping(ctx)
	for _, code := range tolerate {
		if codeOf(err) == code {
			err = nil
		}
	}
	if err != nil {
		b.end()
		return nil, fmt.Errorf("ask %s for the bucket %s: %w", a.endpoint, a.bucket, err)
	}
	return b, nil
}

func (a account) transport() (*http.Transport, error) {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialPatiently, MaxIdleConns: maxIdle, MaxIdleConnsPerHost: maxIdle,
		WriteBufferSize: writeBuffer, IdleConnTimeout: patience, TLSHandshakeTimeout: patience, ResponseHeaderTimeout: patience,
		DisableCompression: true, // an object that is kept compressed is what is there
		TLSClientConfig:    &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if a.caFile == "" {
		return t, nil
	}
	text, err := os.ReadFile(a.caFile)
	if err != nil {
		return nil, fmt.Errorf("read ca_file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("ca_file holds no certificate in PEM")
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

func dialPatiently(ctx context.Context, network, address string) (net.Conn, error) {
	line, err := (&net.Dialer{Timeout: patience / 2, KeepAlive: patience / 4}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return patientLine{line}, nil
}

// patientLine ends when the other side takes nothing and says nothing for too long.
type patientLine struct{ net.Conn }

func (l patientLine) Read(p []byte) (int, error) {
	if err := l.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return l.Conn.Read(p)
}

// Write also gives a server more time to answer: the answer to what is sent slowly, or after a rest, is waited for by a Read that
// began before.
func (l patientLine) Write(p []byte) (int, error) {
	if err := l.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return l.Conn.Write(p)
}

// Origin is the server, with the port if the location names one.
func (b *bucket) Origin() string { return b.endpoint }

// Type is "s3".
func (b *bucket) Type() string { return "s3" }

// Root is the bucket and the prefix, as a path.
func (b *bucket) Root() string { return "/" + b.bucket + strings.TrimSuffix("/"+b.prefix, "/") }

// Ping asks for one object of the bucket, which needs the right to list it.
func (b *bucket) Ping(ctx context.Context) error {
	_, err := b.any(ctx)
	return err
}

// any tells whether there is an object below the prefix.
func (b *bucket) any(ctx context.Context) (bool, error) {
	opts := minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true, MaxKeys: 1}
	for object := range b.api.ListObjectsIter(ctx, b.bucket, opts) {
		return object.Err == nil, b.explain(object.Err)
	}
	return false, ctx.Err()
}

// list visits all objects whose keys begin so, a thousand a request, until visit fails.
func (b *bucket) list(ctx context.Context, prefix string, visit func(minio.ObjectInfo) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for object := range b.api.ListObjectsIter(ctx, b.bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if object.Err != nil {
			return fmt.Errorf("list the bucket: %w", b.explain(object.Err))
		}
		if err := visit(object); err != nil {
			return err
		}
	}
	return context.Cause(ctx) // at which the library ends without an error
}

// Close ends what is being read.
func (b *bucket) Close(context.Context) error {
	b.end()
	return nil
}
