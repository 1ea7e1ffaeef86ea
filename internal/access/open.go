package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// attempts is how often is asked for what fails for a reason that may pass, with firstWait after the first failure and twice the
	// time after each other.
	attempts  = 4
	firstWait = 200 * time.Millisecond
	// stalled is how long a server may be silent.
	stalled = 30 * time.Second
)

// Passing is a failure that may pass: what is asked for again may be there then.
type Passing struct{ error }

// MayPass makes one of a failure.
func MayPass(err error) error { return Passing{err} }

func (p Passing) Unwrap() error { return p.error }

// Open opens a file on a web server, to be read from its begin to its end. Where the connection breaks it is read on from there, if
// the server can tell that the file is the same. size is -1 where the server does not say it. The error of what is not there wraps
// fs.ErrNotExist; S3 says 403 of such.
func Open(ctx context.Context, address string) (content io.ReadCloser, size int64, err error) {
	u, err := parse(address)
	if err != nil {
		return nil, 0, fmt.Errorf("%s is no address of a file on a web server: %w", Shown(address), err)
	}
	access := From(ctx)
	client, err := access.Client()
	if err != nil {
		return nil, 0, err
	}
	b := &body{ctx: ctx, access: access, client: client, url: u}
	if err := b.request(); err != nil {
		return nil, 0, fmt.Errorf("fetching %s: %w", Shown(address), err)
	}
	return b, b.size, nil
}

// OpenAt is Open from an offset, for those who have what is before it and can tell at the end whether it was of the same file. Where
// the server gives no parts, begin is 0.
func OpenAt(ctx context.Context, address string, offset int64) (content io.ReadCloser, begin int64, err error) {
	if u, err := parse(address); err == nil && offset > 0 {
		access := From(ctx)
		client, err := access.Client()
		if err != nil {
			return nil, 0, err
		}
		b := &body{ctx: ctx, access: access, client: client, url: u, read: offset}
		if b.request() == nil {
			return b, offset, nil
		}
	}
	content, _, err = Open(ctx, address)
	return content, 0, err
}

// Read reads a file on a web server that has at most limit bytes.
func Read(ctx context.Context, address string, limit int64) ([]byte, error) {
	content, _, err := Open(ctx, address)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	data, err := io.ReadAll(io.LimitReader(content, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("fetching %s: it is larger than %d bytes", Shown(address), limit)
	}
	return data, nil
}

// body is the content of a file, over as many connections as it takes.
type body struct {
	ctx     context.Context
	access  *Access
	client  *http.Client
	url     *url.URL
	size    int64  // -1 for unknown
	version string // what the server calls these bytes, "" for nothing
	read    int64
	failed  int

	stream  io.ReadCloser
	cancel  context.CancelCauseFunc
	silence *time.Timer
}

// request asks for what is left, again for a while if that fails for a reason that may pass.
func (b *body) request() error {
	for {
		err := b.ask()
		var passing Passing
		switch {
		case err == nil:
			return nil
		case b.ctx.Err() != nil:
			return context.Cause(b.ctx)
		case !errors.As(err, &passing):
			return err
		}
		if b.failed++; b.failed == attempts {
			return fmt.Errorf("%w; tried %d times", err, attempts)
		}
		select {
		case <-time.After(firstWait << (b.failed - 1)):
		case <-b.ctx.Done():
			return context.Cause(b.ctx)
		}
	}
}

func (b *body) ask() (err error) {
	ctx, cancel := context.WithCancelCause(b.ctx)
	silence := time.AfterFunc(stalled, func() {
		cancel(Passing{fmt.Errorf("the server has been silent for %v", stalled)})
	})
	defer func() {
		if err != nil {
			silence.Stop()
			cancel(nil)
		}
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url.String(), nil)
	if err != nil {
		return unwrapped(err)
	}
	if b.read > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", b.read))
		if b.version != "" {
			request.Header.Set("If-Range", b.version)
		}
	}
	answer, err := b.client.Do(request)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return Failure(err)
	}
	defer func() {
		if err != nil {
			answer.Body.Close()
		}
	}()
	switch {
	case b.read > 0 && answer.StatusCode == http.StatusPartialContent:
		var from int64
		if _, err := fmt.Sscanf(answer.Header.Get("Content-Range"), "bytes %d-", &from); err != nil || from != b.read {
			return errors.New("the connection broke, and the server gives another part than what is left")
		}
		b.called(answer)
	case b.read > 0 && answer.StatusCode == http.StatusOK:
		return errors.New("the connection broke, and the file has changed since")
	case answer.StatusCode == http.StatusOK:
		b.size = answer.ContentLength
		b.called(answer)
	default:
		return b.access.Refusal(answer)
	}
	b.stream, b.cancel, b.silence = answer.Body, cancel, silence
	return nil
}

// called notes what the server calls the bytes.
func (b *body) called(answer *http.Response) {
	if b.version = answer.Header.Get("ETag"); strings.HasPrefix(b.version, "W/") { // no name of the bytes
		b.version = ""
	}
}

func (b *body) Read(p []byte) (int, error) {
	for {
		n, err := b.stream.Read(p)
		b.silence.Reset(stalled)
		b.read += int64(n)
		if n > 0 || err == nil {
			return n, nil // an error comes again
		}
		if err == io.EOF {
			return 0, err
		}
		if b.ctx.Err() != nil {
			return 0, context.Cause(b.ctx)
		}
		b.end()
		err = fmt.Errorf("reading %s: the connection broke at byte %d", Shown(b.url.String()), b.read)
		if b.failed++; b.version == "" || b.read == 0 || b.failed >= attempts {
			return 0, err
		}
		if again := b.request(); again != nil {
			return 0, fmt.Errorf("%w: %w", err, again)
		}
	}
}

func (b *body) end() {
	b.silence.Stop()
	b.cancel(nil)
	b.stream.Close()
}

// Close ends the connection.
func (b *body) Close() error {
	b.end()
	return nil
}

// Failure is what there is to say of a request that got no answer, without its address.
func Failure(err error) error {
	err = unwrapped(err)
	if text := err.Error(); strings.Contains(text, "x509:") || strings.Contains(text, "tls:") {
		if strings.Contains(text, "unknown authority") {
			return fmt.Errorf("%w: give the certificate of the authority with --ca-file, if it is one to trust", err)
		}
		return err
	}
	if strings.HasPrefix(err.Error(), "it leads on") {
		return err
	}
	return Passing{err}
}

// Refusal is what an answer says that is none of a file.
func (a *Access) Refusal(answer *http.Response) error {
	says := fmt.Sprintf("the server answers %s", answer.Status)
	switch status := answer.StatusCode; {
	case status == http.StatusUnauthorized:
		u := answer.Request.URL
		if credential, err := a.For(u); err == nil && credential.Header != "" {
			return fmt.Errorf("%s: it does not take what %s has for it", says, credential.Origin)
		}
		return fmt.Errorf("%s: set %s to a token for it, or give netrc a line for %s", says, TokenVariable(u), u.Hostname())
	case status == http.StatusNotFound || status == http.StatusGone:
		return absent{says}
	case status == http.StatusForbidden:
		return absent{says + ", as some do of what is not there"}
	case status == http.StatusTooManyRequests || status >= 500:
		return Passing{errors.New(says)}
	}
	return errors.New(says)
}

// absent is an answer by which something is not there.
type absent struct{ text string }

func (a absent) Error() string { return a.text }
func (a absent) Unwrap() error { return fs.ErrNotExist }
