package sdk

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	gstorage "github.com/PlakarKorp/integration-grpc/storage"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/kloset/objects"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// memory is a storage that misbehaves as its functions do, and otherwise keeps objects in memory.
type memory struct {
	mu      sync.Mutex
	config  []byte
	objects map[objects.MAC][]byte
	put     func(context.Context, io.Reader) (int64, error)
	get     func() (io.ReadCloser, error)
	list    func() ([]objects.MAC, error)
}

func (m *memory) Origin() string                      { return "origin" }
func (m *memory) Type() string                        { return "memory" }
func (m *memory) Root() string                        { return "/" }
func (m *memory) Flags() location.Flags               { return 0 }
func (m *memory) Ping(context.Context) error          { return nil }
func (m *memory) Close(context.Context) error         { return nil }
func (m *memory) Mode(context.Context) (Mode, error)  { return ModeRead, nil }
func (m *memory) Size(context.Context) (int64, error) { return -1, nil }
func (m *memory) Create(_ context.Context, config []byte) error {
	m.config = config
	return nil
}

func (m *memory) Open(context.Context) ([]byte, error) {
	if m.config == nil {
		return nil, fs.ErrNotExist
	}
	return m.config, nil
}

func (m *memory) List(_ context.Context, resource Resource) ([]objects.MAC, error) {
	if m.list != nil {
		return m.list()
	}
	if resource != ResourcePackfile {
		return nil, errors.ErrUnsupported
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var macs []objects.MAC
	for mac := range m.objects {
		macs = append(macs, mac)
	}
	return macs, nil
}

func (m *memory) Put(ctx context.Context, _ Resource, mac objects.MAC, r io.Reader) (int64, error) {
	if m.put != nil {
		return m.put(ctx, r)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = make(map[objects.MAC][]byte)
	}
	m.objects[mac] = data
	return int64(len(data)), nil
}

func (m *memory) Get(_ context.Context, _ Resource, mac objects.MAC, _ *Range) (io.ReadCloser, error) {
	if m.get != nil {
		return m.get()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.objects[mac]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (m *memory) Delete(_ context.Context, _ Resource, mac objects.MAC) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, mac)
	return nil
}

func (m *memory) service() func(*guard) service {
	return newStorageService(func(context.Context, string, map[string]string) (Store, error) { return m, nil })
}

func put(t *testing.T, store storage.Store, mac objects.MAC, r io.Reader) (int64, error) {
	return store.Put(t.Context(), storage.StorageResourcePackfile, mac, r)
}

func TestStorage(t *testing.T) {
	p := start(t, (&memory{}).service())
	store := p.storage(t, "test", nil)
	if _, err := store.Open(t.Context()); err == nil {
		t.Error("Open before Create")
	}
	if _, err := store.List(t.Context(), storage.StorageResourceLock); err == nil || !strings.Contains(err.Error(), "unsupported") {
		t.Errorf("List of locks: %v", err)
	}
	if size, err := store.Size(t.Context()); size != -1 || err != nil {
		t.Error(size, err)
	}
	var work sync.WaitGroup
	for i := range 16 {
		work.Go(func() {
			mac := objects.RandomMAC()
			data := bytes.Repeat([]byte{byte(i)}, i<<16)
			if n, err := put(t, store, mac, bytes.NewReader(data)); n != int64(len(data)) || err != nil {
				t.Error(n, err)
			}
			if got, err := get(t.Context(), store, mac, nil); !bytes.Equal(got, data) || err != nil {
				t.Errorf("%d bytes, want %d, %v", len(got), len(data), err)
			}
		})
	}
	work.Wait()
	if macs, err := store.List(t.Context(), storage.StorageResourcePackfile); len(macs) != 16 || err != nil {
		t.Error(len(macs), err)
	}
}

// TestWholeChunks has a host count what it gets of a reader that never has more than a little.
func TestWholeChunks(t *testing.T) {
	content := bytes.Repeat([]byte("some of it "), 60_000)
	p := start(t, (&memory{get: func() (io.ReadCloser, error) {
		return io.NopCloser(iotest.HalfReader(bufio.NewReaderSize(bytes.NewReader(content), 1000))), nil
	}}).service())
	p.storage(t, "test", nil)
	stream, err := gstorage.NewStoreClient(p).Get(t.Context(), &gstorage.GetRequest{Mac: make([]byte, 32), Type: 1})
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	var lengths []int
	for {
		response, err := stream.Recv()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got, lengths = append(got, response.GetChunk()...), append(lengths, len(response.GetChunk()))
	}
	if want := []int{chunkSize, chunkSize, len(content) - 2*chunkSize}; !slices.Equal(lengths, want) || !bytes.Equal(got, content) {
		t.Errorf("%d bytes in chunks of %v, want %v", len(got), lengths, want)
	}
}

func TestMisbehavingStorages(t *testing.T) {
	full := errors.New("no space left on device")
	large := strings.NewReader(strings.Repeat("x", 20<<20))
	for name, put := range map[string]func(context.Context, io.Reader) (int64, error){
		"at once":   func(context.Context, io.Reader) (int64, error) { return 0, full },
		"in middle": func(_ context.Context, r io.Reader) (int64, error) { io.CopyN(io.Discard, r, 5<<20); return 0, full },
		"panic":     func(context.Context, io.Reader) (int64, error) { panic(full) },
	} {
		t.Run("Put fails "+name, func(t *testing.T) {
			m := &memory{put: put}
			store := start(t, m.service()).storage(t, "test", nil)
			large.Seek(0, io.SeekStart)
			_, err := store.Put(t.Context(), storage.StorageResourcePackfile, objects.MAC{}, large)
			wantError(t, "Put", err, "no space left on device")
		})
	}
	t.Run("Put does not read", func(t *testing.T) {
		m := &memory{put: func(context.Context, io.Reader) (int64, error) { return 7, nil }}
		store := start(t, m.service()).storage(t, "test", nil)
		large.Seek(0, io.SeekStart)
		if n, err := store.Put(t.Context(), storage.StorageResourcePackfile, objects.MAC{}, large); n != 7 || err != nil {
			t.Error(n, err)
		}
	})
	t.Run("Put of a host that gives up", func(t *testing.T) {
		begun, seen := make(chan bool), make(chan error, 1)
		m := &memory{put: func(_ context.Context, r io.Reader) (int64, error) {
			begun <- true
			n, err := io.Copy(io.Discard, r)
			seen <- err
			return n, err
		}}
		p := start(t, m.service())
		p.storage(t, "test", nil)
		ctx, cancel := context.WithCancel(t.Context())
		stream, err := gstorage.NewStoreClient(p).Put(ctx)
		if err != nil {
			t.Fatal(err)
		}
		stream.Send(&gstorage.PutRequest{Mac: make([]byte, 32), Type: 1})
		stream.Send(&gstorage.PutRequest{Chunk: []byte("half")})
		<-begun
		cancel()
		if err := <-seen; err == nil {
			t.Error("the storage took half an object for all of it")
		}
	})
	for name, test := range map[string]struct {
		get  func() (io.ReadCloser, error)
		want string
	}{
		"fails":        {func() (io.ReadCloser, error) { return nil, full }, "no space"},
		"panics":       {func() (io.ReadCloser, error) { panic("oh no") }, "oh no"},
		"gives nil":    {func() (io.ReadCloser, error) { return nil, nil }, "neither"},
		"fails midway": {func() (io.ReadCloser, error) { return io.NopCloser(errReader{full}), nil }, "no space"},
	} {
		t.Run("Get "+name, func(t *testing.T) {
			store := start(t, (&memory{get: test.get}).service()).storage(t, "test", nil)
			_, err := get(t.Context(), store, objects.MAC{}, nil)
			wantError(t, "Get", err, test.want)
		})
	}
	t.Run("List is too long", func(t *testing.T) {
		m := &memory{list: func() ([]objects.MAC, error) { return make([]objects.MAC, 130000), nil }}
		store := start(t, m.service()).storage(t, "test", nil)
		_, err := store.List(t.Context(), storage.StorageResourcePackfile)
		wantError(t, "List", err, "larger than the 4194304 a host accepts")
	})
}

// TestMalformedRequests sends what no host should.
func TestMalformedRequests(t *testing.T) {
	p := start(t, (&memory{}).service())
	client := gstorage.NewStoreClient(p)
	ctx := t.Context()
	wantCode := func(what string, err error, want codes.Code) {
		t.Helper()
		if got := status.Code(err); got != want {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	_, err := client.Ping(ctx, &gstorage.PingRequest{})
	wantCode("Ping before Init", err, codes.FailedPrecondition)
	_, err = client.Delete(ctx, &gstorage.DeleteRequest{Mac: make([]byte, 32)})
	wantCode("Delete before Init", err, codes.FailedPrecondition)
	p.storage(t, "test", nil)
	_, err = client.Init(ctx, &gstorage.InitRequest{})
	wantCode("second Init", err, codes.FailedPrecondition)
	_, err = client.Delete(ctx, &gstorage.DeleteRequest{Mac: make([]byte, 31)})
	wantCode("short MAC", err, codes.InvalidArgument)
	err = p.Invoke(ctx, "/store.Store/Destroy", &gstorage.PingRequest{}, &gstorage.PingResponse{})
	wantCode("unknown method", err, codes.Unimplemented)
	err = p.Invoke(ctx, "/importer.Importer/Ping", &gstorage.PingRequest{}, &gstorage.PingResponse{})
	wantCode("importer's method", err, codes.Unimplemented)

	for what, messages := range map[string][]*gstorage.PutRequest{
		"nothing":         {},
		"short MAC":       {{Mac: make([]byte, 31)}},
		"long MAC":        {{Mac: make([]byte, 1<<20)}},
		"no MAC":          {{Type: 1}, {Chunk: []byte("x")}},
		"chunk first":     {{Chunk: []byte("x")}},
		"MAC in a second": {{Mac: make([]byte, 32), Type: 1}, {Mac: make([]byte, 32)}},
	} {
		stream, err := client.Put(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, message := range messages {
			stream.Send(message)
		}
		_, err = stream.CloseAndRecv()
		wantCode("Put of "+what, err, codes.InvalidArgument)
	}
	stream, err := client.Put(ctx)
	if err != nil {
		t.Fatal(err)
	}
	stream.Send(&gstorage.PutRequest{Mac: make([]byte, 32), Type: 1, Chunk: []byte("with the name")})
	if response, err := stream.CloseAndRecv(); err != nil || response.BytesWritten != 13 {
		t.Error(response, err)
	}
	_, err = client.Get(ctx, &gstorage.GetRequest{Mac: []byte("x")})
	if err != nil {
		t.Error(err)
	}
	_, err = client.Close(ctx, &gstorage.CloseRequest{})
	wantCode("Close", err, codes.OK)
	_, err = client.Ping(ctx, &gstorage.PingRequest{})
	wantCode("Ping after Close", err, codes.FailedPrecondition)
	_, err = client.Close(ctx, &gstorage.CloseRequest{})
	wantCode("second Close", err, codes.OK)
}

// TestErrorIdentity checks the errors that a status code can carry.
func TestErrorIdentity(t *testing.T) {
	for want, err := range map[codes.Code]error{
		codes.NotFound:         &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrNotExist},
		codes.PermissionDenied: fs.ErrPermission,
		codes.AlreadyExists:    fs.ErrExist,
		codes.Canceled:         context.Canceled,
		codes.DeadlineExceeded: context.DeadlineExceeded,
		codes.Unimplemented:    errors.ErrUnsupported,
		codes.Unknown:          errors.New("100% wrong: é\n\x00" + strings.Repeat("long ", 10000)),
	} {
		m := &memory{put: func(_ context.Context, r io.Reader) (int64, error) { return 0, err }}
		p := start(t, m.service())
		p.storage(t, "test", nil)
		stream, streamErr := gstorage.NewStoreClient(p).Put(t.Context())
		if streamErr != nil {
			t.Fatal(streamErr)
		}
		stream.Send(&gstorage.PutRequest{Mac: make([]byte, 32)})
		_, got := stream.CloseAndRecv()
		if status.Code(got) != want {
			t.Errorf("%v becomes %v", err, got)
		}
		if message := status.Convert(got).Message(); message[:10] != err.Error()[:10] {
			t.Errorf("%.50q becomes %.50q", err, message)
		}
	}
}
