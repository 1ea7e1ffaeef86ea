package sdk

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	gexporter "github.com/PlakarKorp/integration-grpc/exporter"
	gimporter "github.com/PlakarKorp/integration-grpc/importer"
	gstorage "github.com/PlakarKorp/integration-grpc/storage"
	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/connectors/exporter"
	"github.com/PlakarKorp/kloset/connectors/importer"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// pipes is a host's end of a plugin's standard input and output.
type pipes struct {
	in, out *os.File
	once    sync.Once
}

func (p *pipes) Read(b []byte) (int, error)  { return p.in.Read(b) }
func (p *pipes) Write(b []byte) (int, error) { return p.out.Write(b) }
func (p *pipes) LocalAddr() net.Addr         { return &net.UnixAddr{Name: "plugin", Net: "unix"} }
func (p *pipes) RemoteAddr() net.Addr        { return p.LocalAddr() }

func (p *pipes) SetDeadline(t time.Time) error {
	return errors.Join(p.SetReadDeadline(t), p.SetWriteDeadline(t))
}
func (p *pipes) SetReadDeadline(t time.Time) error  { return p.in.SetReadDeadline(t) }
func (p *pipes) SetWriteDeadline(t time.Time) error { return p.out.SetWriteDeadline(t) }

func (p *pipes) Close() error {
	p.once.Do(func() {
		p.out.Close()
		p.in.Close()
	})
	return nil
}

// buffer is a standard error that is read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// plugin is a connector being served to a stock host: gRPC's own client over two pipes.
type plugin struct {
	*grpc.ClientConn
	pipes  *pipes
	stderr *buffer
	served chan error
}

// start serves a connector within the test's process. When the test ends, all of its goroutines must.
func start(t *testing.T, newService func(*guard) service) *plugin {
	t.Helper()
	p, _ := startStoppable(t, newService)
	return p
}

// startStoppable is start with a way to stop the plugin, as a signal stops a process.
func startStoppable(t *testing.T, newService func(*guard) service) (*plugin, context.CancelCauseFunc) {
	t.Helper()
	ctx, stop := context.WithCancelCause(context.Background())
	before := runtime.NumGoroutine()
	hostIn, pluginOut := pipe(t)
	pluginIn, hostOut := pipe(t)
	p := &plugin{pipes: &pipes{in: hostIn, out: hostOut}, stderr: &buffer{}, served: make(chan error, 1)}
	go func() {
		err := serve(ctx, newService(&guard{stderr: p.stderr}), pluginIn, pluginOut)
		pluginOut.Close()
		pluginIn.Close()
		p.served <- err
	}()
	p.ClientConn = connect(t, p.pipes)
	t.Cleanup(func() {
		p.ClientConn.Close()
		p.pipes.Close()
		if err := <-p.served; err != nil && ctx.Err() == nil {
			t.Errorf("serve: %v", err)
		}
		for tries := 0; runtime.NumGoroutine() > before; tries++ {
			if tries == 500 {
				stacks := make([]byte, 1<<20)
				t.Fatalf("%d goroutines before, %d after:\n%s",
					before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	return p, stop
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func connect(t *testing.T, conn net.Conn) *grpc.ClientConn {
	t.Helper()
	client, err := grpc.NewClient("127.0.0.1:0",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithIdleTimeout(0),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return conn, nil }))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// command is this test's executable as a plugin: see TestMain.
func command(connector string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), pluginEnv+"="+connector)
	return cmd
}

// process is a plugin in a process of its own.
type process struct {
	*plugin
	cmd *exec.Cmd
}

// execute starts a plugin as the stock host starts it.
func execute(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	hostIn, pluginOut := pipe(t)
	pluginIn, hostOut := pipe(t)
	p := &process{&plugin{pipes: &pipes{in: hostIn, out: hostOut}, stderr: &buffer{}}, cmd}
	cmd.Stdin, cmd.Stdout = pluginIn, pluginOut
	if cmd.Stderr == nil {
		cmd.Stderr = p.stderr
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pluginIn.Close()
	pluginOut.Close()
	p.ClientConn = connect(t, p.pipes)
	t.Cleanup(func() {
		p.ClientConn.Close()
		p.pipes.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	return p
}

// end closes the connection and waits for the process, which must exit with 0.
func (p *process) end(t *testing.T) {
	t.Helper()
	p.ClientConn.Close()
	p.pipes.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("plugin: %v, standard error: %s", err, strings.TrimSpace(p.stderr.String()))
	}
}

var hostOptions = connectors.Options{
	Hostname: "host", OperatingSystem: "linux", Architecture: "amd64", CWD: "/", MaxConcurrency: 4,
}

func (p *plugin) importer(t *testing.T, proto string, config map[string]string) importer.Importer {
	t.Helper()
	imp, err := gimporter.NewImporter(t.Context(), p, &hostOptions, proto, config)
	if err != nil {
		t.Fatalf("Init: %v", err)
	}
	return imp
}

func (p *plugin) exporter(t *testing.T, proto string, config map[string]string) exporter.Exporter {
	t.Helper()
	exp, err := gexporter.NewExporter(t.Context(), p, &hostOptions, proto, config)
	if err != nil {
		t.Fatalf("Init: %v", err)
	}
	return exp
}

func (p *plugin) storage(t *testing.T, proto string, config map[string]string) storage.Store {
	t.Helper()
	store, err := gstorage.NewStorage(t.Context(), p, proto, config)
	if err != nil {
		t.Fatalf("Init: %v", err)
	}
	return store
}

// wantError checks that an error says something, or is none if want is empty.
func wantError(t *testing.T, what string, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%.100s: error %v, want %q", what, err, want)
	}
}
