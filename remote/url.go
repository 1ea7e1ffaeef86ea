package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/PlakarKorp/kpkg/internal/access"
)

const (
	// blockSize is what is fetched at least, and kept.
	blockSize = 256 << 10
	// maxFetch is the most that one request asks for; it is reached by reading on from where the last one ended.
	maxFetch = 16 << 20
	// maxCached is how many bytes of blocks are kept.
	maxCached = 48 << 20
	// attempts is how often a request is made that fails for a reason that may pass, with firstWait after the first and twice the
	// time after each other.
	attempts  = 5
	firstWait = 200 * time.Millisecond
	// stalled is how long a server may be silent.
	stalled = 30 * time.Second
)

// file is a file on a web server.
type file struct {
	ctx    context.Context
	access *access.Access
	client *http.Client
	url    string
	shown  string // without a password
	size   int64
	// version is what the server calls the file as it is, for If-Range; modified is its time where there is no such name.
	version, modified string

	mu     sync.Mutex
	blocks map[int64]*block // by their number
	coming map[int64]*request
	tick   uint64
	// runs are where reading may go on: that of several files at once goes on in several places.
	runs [16]run
	// expected is the last block of what Expect has told of, expectedFrom its first.
	expectedFrom, expected int64
}

// request is one that is under way.
type request struct {
	done chan struct{}
	err  error
}

// run is what was fetched by requests of which each went on from the one before.
type run struct {
	first, next int64 // the first block of the last request, and the one behind its last
	window      int64 // how many blocks the next request asks for
	used        uint64
}

type block struct {
	data []byte
	used uint64
}

var errNoURL = errors.New("it is no URL of a file on a web server")

func openURL(ctx context.Context, name string) (Input, error) {
	parsed, err := url.Parse(name)
	if err != nil || parsed.Host == "" {
		return nil, errNoURL
	}
	by := access.From(ctx)
	client, err := by.Client()
	if err != nil {
		return nil, err
	}
	f := &file{
		ctx: ctx, access: by, client: client, url: name, shown: access.Shown(name), size: -1, blocks: map[int64]*block{},
		coming: map[int64]*request{}, expected: -1,
	}
	if err := f.fetch(0, 1); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *file) Size() int64 { return f.size }

func (f *file) Close() error {
	f.client.CloseIdleConnections()
	return nil
}

// ReadAt reads from blocks that are there, and fetches those that are not, as many neighbours at once as are asked for.
func (f *file) ReadAt(p []byte, offset int64) (n int, err error) {
	if offset < 0 {
		return 0, fmt.Errorf("read at negative offset %d", offset)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for n < len(p) {
		at := offset + int64(n)
		if at >= f.size {
			return n, io.EOF
		}
		number := at / blockSize
		b := f.blocks[number]
		if b == nil {
			last := min(offset+int64(len(p)), f.size) - 1
			if err := f.bring(number, last/blockSize); err != nil {
				return n, err
			}
			continue // it may have gone already, where many read
		}
		f.tick++
		b.used = f.tick
		n += copy(p[n:], b.data[at-number*blockSize:])
	}
	return n, nil
}

// bring fetches a block, or waits for whoever does, and lets others read meanwhile. mu is held.
func (f *file) bring(number, last int64) error {
	r := f.coming[number]
	if r != nil {
		f.mu.Unlock()
		<-r.done // which ends with f.ctx
		f.mu.Lock()
		return r.err
	}
	r = &request{done: make(chan struct{})}
	first, count := f.span(number, last)
	for i := range count {
		f.coming[first+i] = r
	}
	f.mu.Unlock()
	r.err = f.fetch(first, count)
	f.mu.Lock()
	for i := range count {
		delete(f.coming, first+i)
	}
	close(r.done)
	return r.err
}

// missing tells a block that is neither there nor coming.
func (f *file) missing(number int64) bool { return f.blocks[number] == nil && f.coming[number] == nil }

// Expect tells that the length bytes from offset on are about to be read, from their beginning on, so that few requests fetch them.
func (f *file) Expect(offset, length int64) {
	if offset < 0 || length <= 0 || offset > f.size-length {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expectedFrom, f.expected = offset/blockSize, (offset+length-1)/blockSize
}

// span is which blocks to fetch for one that is missing, of which those up to last are wanted: more, in the direction of reading, if
// that goes on from where it was.
func (f *file) span(number, last int64) (first, count int64) {
	// All that comes fits into half of what is kept: else it might go before it was read.
	most := max(1, min(maxFetch/blockSize, int64(maxCached/blockSize/2-len(f.coming))))
	r, backwards := f.run(number, number == last || !f.missing(number+1))
	defer func() { r.first, r.next = first, first+count }()
	if backwards {
		for first = number; first > 0 && number-first+1 < min(r.window, most) && f.missing(first-1); {
			first--
		}
		return first, number - first + 1
	}
	if f.expectedFrom <= number && number <= f.expected {
		last = max(last, f.expected)
	}
	count = min(max(last-number+1, r.window), most, (f.size-1)/blockSize-number+1)
	for i := int64(1); i < count; i++ {
		if !f.missing(number + i) {
			return number, i
		}
	}
	return number, count
}

// run is the run that goes on with a block, to its end or, where the reader may come from there, to its beginning; or else a new one
// in place of that which was gone on with longest ago.
func (f *file) run(number int64, fromBehind bool) (r *run, backwards bool) {
	f.tick++
	oldest := &f.runs[0]
	for i := range f.runs {
		r = &f.runs[i]
		backwards = fromBehind && r.window > 0 && number == r.first-1
		if backwards || r.window > 0 && number == r.next {
			r.window, r.used = min(r.window*4, maxFetch/blockSize), f.tick
			return r, backwards
		}
		if r.used < oldest.used {
			oldest = r
		}
	}
	oldest.window, oldest.used = 1, f.tick
	return oldest, false
}

// fetch gets blocks, again for a while if that fails for a reason that may pass.
func (f *file) fetch(number, count int64) error {
	wait := firstWait
	for attempt := 1; ; attempt++ {
		err := f.get(number, count)
		var passing access.Passing
		if err == nil {
			return nil
		}
		if f.ctx.Err() != nil {
			return context.Cause(f.ctx)
		}
		if !errors.As(err, &passing) {
			return fmt.Errorf("fetch %s: %w", f.shown, err)
		}
		if attempt == attempts {
			return fmt.Errorf("fetch %s: %w; tried %d times", f.shown, err, attempts)
		}
		select {
		case <-time.After(wait):
		case <-f.ctx.Done():
			return context.Cause(f.ctx)
		}
		wait *= 2
	}
}

func (f *file) get(number, count int64) error {
	ctx, cancel := context.WithCancelCause(f.ctx)
	defer cancel(nil)
	silence := time.AfterFunc(stalled, func() {
		cancel(access.MayPass(fmt.Errorf("the server has been silent for %v", stalled)))
	})
	defer silence.Stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
	if err != nil {
		return err
	}
	from := number * blockSize
	request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, from+count*blockSize-1))
	request.Header.Set("Accept-Encoding", "identity")
	if f.version != "" {
		request.Header.Set("If-Range", f.version)
	}
	response, err := f.client.Do(request)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return access.Failure(err)
	}
	defer response.Body.Close()
	if err := f.check(response, from); err != nil {
		return err
	}
	for i := range count {
		length := min(blockSize, f.size-(number+i)*blockSize)
		if length <= 0 {
			break
		}
		data := make([]byte, length)
		silence.Reset(stalled)
		if _, err := io.ReadFull(response.Body, data); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return access.MayPass(fmt.Errorf("the connection broke at byte %d: %w", (number+i)*blockSize, err))
		}
		f.mu.Lock()
		f.keep(number+i, data)
		f.mu.Unlock()
	}
	return nil
}

// check makes sure that the answer is the range that was asked for, of the file that was opened.
func (f *file) check(response *http.Response, from int64) error {
	switch status := response.StatusCode; {
	case status == http.StatusPartialContent:
	case status == http.StatusOK && f.size >= 0:
		return errors.New("the file has changed since it was opened")
	case status == http.StatusOK && response.ContentLength == 0, status == http.StatusRequestedRangeNotSatisfiable && f.size < 0:
		return errors.New("the file is empty")
	case status == http.StatusOK:
		return errors.New("the server does not serve parts of files (HTTP Range): download the file and open it there")
	case status == http.StatusRequestedRangeNotSatisfiable:
		return errors.New("the file has changed since it was opened")
	default:
		return f.access.Refusal(response)
	}
	begin, size, err := contentRange(response.Header.Get("Content-Range"))
	if err != nil {
		return err
	}
	if begin != from {
		return fmt.Errorf("the server gives byte %d on where byte %d was asked for", begin, from)
	}
	version, modified := response.Header.Get("ETag"), response.Header.Get("Last-Modified")
	if strings.HasPrefix(version, "W/") { // no name of the bytes
		version = ""
	}
	if f.size < 0 {
		f.size, f.version, f.modified = size, version, modified
		return nil
	}
	if size != f.size || version != f.version || modified != f.modified {
		return errors.New("the file has changed since it was opened")
	}
	return nil
}

// contentRange reads "bytes 0-9/1000".
func contentRange(header string) (begin, size int64, err error) {
	wrong := fmt.Errorf("the server does not say what part of which length it gives (Content-Range %.80q)", header)
	rest, found := strings.CutPrefix(header, "bytes ")
	span, total, both := strings.Cut(rest, "/")
	first, _, dash := strings.Cut(span, "-")
	if !found || !both || !dash {
		return 0, 0, wrong
	}
	if begin, err = strconv.ParseInt(first, 10, 64); err != nil {
		return 0, 0, wrong
	}
	if size, err = strconv.ParseInt(total, 10, 64); err != nil || size < 0 || begin < 0 {
		return 0, 0, wrong
	}
	return begin, size, nil
}

// keep keeps a block, and lets go of those that were used longest ago.
func (f *file) keep(number int64, data []byte) {
	f.tick++
	f.blocks[number] = &block{data, f.tick}
	for len(f.blocks) > maxCached/blockSize {
		oldest, tick := int64(-1), f.tick
		for n, b := range f.blocks {
			if b.used < tick {
				oldest, tick = n, b.used
			}
		}
		delete(f.blocks, oldest)
	}
}
