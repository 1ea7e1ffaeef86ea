package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/sdk/secrets"
)

const (
	// defaultTimeout is how long starting, Init and Close may each take.
	defaultTimeout = 30 * time.Second
	// endTimeout is how long a plugin may go on after its standard input has ended. The SDK's take 1.5 seconds at most. With
	// leaveTimeout, or else reapTimeout, all of a plugin has ended 3 seconds after it was told to.
	endTimeout = 2 * time.Second
	// reapTimeout is how long to wait for the exit of a plugin that has broken off the connection, to say why it did.
	reapTimeout = 500 * time.Millisecond
)

// Options say how to start a plugin. The zero value starts it without arguments.
type Options struct {
	// Args are the manifest's args.
	Args []string
	// Emulator is the program that runs the executable, an Integration's; "" if it runs without.
	Emulator string
	// Dir is the folder the plugin runs in; "" is the caller's.
	Dir string
	// Container is the image that the executable is in; nil if it runs without. Dir, Env and Emulator are not for it.
	Container *Container
	// Env are variables, as in "NAME=value", beside the few that every plugin gets; see environment.go.
	Env []string
	// Stderr gets what the plugin prints, line by line; nil drops it. At most 100 lines a second are passed on, none longer
	// than 4 KiB, and none with a secret of the configuration. Plugins may share it, and Trace, with each other: a line is
	// one Write, and none comes before the one before has ended.
	Stderr io.Writer
	// Trace, when set, gets a line for each message between host and plugin, without contents of files and secrets.
	Trace io.Writer
	// Prefix begins every line on Stderr.
	Prefix string
	// Secrets are values of the configuration that are kept out of what the plugin says, whatever their keys are called.
	// Those of keys named like secrets, and passwords in URLs, are known without.
	Secrets []string
	// Timeout is how long starting, Init and Close may each take; 0 means 30 seconds.
	Timeout time.Duration
}

// Plugin is a running plugin. Its methods may be called concurrently.
type Plugin struct {
	name    string
	options Options
	cmd     *exec.Cmd
	process *os.Process // the plugin's, which crun's is not
	channel *channel
	conn    *grpc.ClientConn
	stderr  *stderr
	secrets secrets.Set
	sockets *scratch.Folder // with the socket of a plugin in a container
	mark    string          // in the environment of the plugin, and of what it starts

	mu     sync.Mutex
	seen   []process // what the plugin had started when it was last looked at
	killed atomic.Bool

	exited  chan struct{} // closed when the process and all that it started have ended
	exitErr error         // what it exited with; set before exited is closed
	left    []string      // see Left; set before exited is closed
}

// Start starts the executable at path and waits until it speaks the protocol. ctx bounds the starting only; a plugin runs
// until Close. The error names the cause.
func Start(ctx context.Context, path string, opts Options) (*Plugin, error) {
	if opts.Timeout <= 0 {
		opts.Timeout = defaultTimeout
	}
	// An absolute path is never looked for in PATH, and does not depend on Dir.
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("starting a plugin: %w", err)
	}
	p := &Plugin{name: filepath.Base(path), options: opts, mark: newMark(), exited: make(chan struct{})}
	p.secrets.Learn(nil, opts.Secrets...)
	p.stderr = &stderr{out: opts.Stderr, prefix: opts.Prefix, secrets: &p.secrets}
	if err := p.execute(path); err != nil {
		return nil, fmt.Errorf("starting plugin %s%s: %w", p.name, p.under(ctx), cannotStart(path, err))
	}
	if opts.Container != nil {
		if err := p.dial(ctx); err != nil {
			p.Kill()
			return nil, fmt.Errorf("starting plugin %s in its image: %w", p.name, err)
		}
		p.findContained()
	}
	if err := p.connect(ctx); err != nil {
		p.Kill()
		// A plugin in a container is not started again to find out: that would be outside of it.
		if text := p.channel.foreign(); text != "" && p.options.Container == nil {
			if printer := p.printer(ctx, path, text); printer != "" {
				err = fmt.Errorf("%w; it was printed by %s", err, printer)
			}
		}
		return nil, fmt.Errorf("starting plugin %s%s: %w", p.name, p.under(ctx), err)
	}
	return p, nil
}

// command is the one that starts the process, in a process group of its own.
func (p *Plugin) command(path string) error {
	if p.options.Container != nil {
		return p.contain(path)
	}
	command := append([]string{path}, p.options.Args...)
	if p.options.Emulator != "" {
		command = slices.Insert(command, 0, p.options.Emulator)
	}
	p.cmd = exec.Command(command[0], command[1:]...)
	p.cmd.Dir, p.cmd.Env = p.options.Dir, append(environment(p.options.Env), markVariable+"="+p.mark)
	ownGroup(p.cmd)
	return nil
}

// execute starts the process on three new pipes; one in a container reads nothing, and prints on one.
func (p *Plugin) execute(path string) error {
	if err := p.command(path); err != nil {
		return errors.Join(err, p.removeSockets())
	}
	var pipes [6]*os.File
	for i := 0; i < len(pipes); i += 2 {
		var err error
		if pipes[i], pipes[i+1], err = os.Pipe(); err != nil {
			closeAll(pipes[:i])
			return err
		}
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = pipes[0], pipes[3], pipes[5]
	if p.options.Container != nil {
		p.cmd.Stdin, p.cmd.Stdout = nil, pipes[5]
	}
	if err := p.cmd.Start(); err != nil {
		closeAll(pipes[:])
		if p.options.Container != nil {
			err = cannotContain(err)
		}
		return errors.Join(err, p.removeSockets())
	}
	p.process = p.cmd.Process
	closeAll([]*os.File{pipes[0], pipes[3], pipes[5]})
	p.channel = &channel{in: pipes[2], out: pipes[1]} // until dial has a socket
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		defer pipes[4].Close()
		io.Copy(p.stderr, pipes[4])
		p.stderr.end()
	}()
	go func() {
		p.exitErr = p.cmd.Wait()
		p.endLeftover()
		select {
		case <-printed:
		case <-time.After(reapTimeout): // somebody left the group and holds on to the pipe
			pipes[4].Close()
			<-printed // nothing is passed on to the caller any more
		}
		p.removeSockets()
		close(p.exited)
	}()
	return nil
}

func (p *Plugin) removeSockets() error {
	if p.sockets == nil {
		return nil
	}
	return p.sockets.Remove()
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// connect speaks HTTP/2 to the plugin until both sides have greeted.
func (p *Plugin) connect(ctx context.Context) error {
	dialed := make(chan net.Conn, 1)
	dialed <- p.channel
	var traced []grpc.DialOption
	if p.options.Trace != nil {
		t := &trace{out: p.options.Trace, secrets: &p.secrets, given: p.options.Secrets, since: time.Now()}
		traced = t.options()
	}
	var err error
	p.conn, err = grpc.NewClient("passthrough:plugin", append(traced,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithIdleTimeout(0),
		// Or gRPC gives up after 20 seconds, and it is for the context to say when.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.DefaultConfig, MinConnectTimeout: p.options.Timeout + reapTimeout,
		}),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			select {
			case conn := <-dialed:
				return conn, nil
			default:
				return nil, errEnded // there is no second connection to a process
			}
		}))...)
	if err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, p.options.Timeout)
	defer cancel()
	go func() {
		select {
		case <-p.exited:
			cancel()
		case <-within.Done():
		}
	}()
	p.conn.Connect()
	for {
		switch state := p.conn.GetState(); {
		case state == connectivity.Ready:
			return nil
		case state == connectivity.Idle || state == connectivity.Connecting:
			if p.conn.WaitForStateChange(within, state) {
				continue
			}
		}
		if cause := p.Cause(); cause != nil {
			return cause
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if errors.Is(within.Err(), context.DeadlineExceeded) {
			return fmt.Errorf("no answer within %s; it must speak gRPC on its standard input and output", p.options.Timeout)
		}
		return errors.New("what comes from its standard output is no HTTP/2, which gRPC is; nothing else may write there")
	}
}

var errEnded = errors.New("the connection to the plugin has ended")

// Conn is the connection, for calls that the connectors of this package do not make.
func (p *Plugin) Conn() grpc.ClientConnInterface { return p.conn }

// Process is the plugin's process.
func (p *Plugin) Process() *os.Process { return p.process }

// Exited is closed when the process has ended, and all in its process group with it.
func (p *Plugin) Exited() <-chan struct{} { return p.exited }

// ExitError is what the process exited with, nil for status 0. It may be called once Exited is closed.
func (p *Plugin) ExitError() error { return p.exitErr }

// Redact cuts the secrets of the plugin's configuration out of a text, such as the error of one entry.
func (p *Plugin) Redact(text string) string { return p.secrets.Cut(text) }

// EndInput tells the plugin that its host is done: a plugin ends with its standard input.
func (p *Plugin) EndInput() {
	p.lookAround()
	p.channel.endInput()
}

// BreakOff closes the plugin's standard input and output at once, as the death of its host does.
func (p *Plugin) BreakOff() {
	p.lookAround()
	p.channel.Close()
}

// Close ends the plugin: first by the end of its standard input, then, after 2 seconds, by killing its process group. What
// it has started ends with it; on Linux, out of its group too. The error says that it had to be killed, or that it exited
// with another status than 0. It may be called twice.
func (p *Plugin) Close() error {
	p.EndInput()
	select {
	case <-p.exited:
		p.conn.Close()
	case <-time.After(endTimeout):
		p.Kill()
		return fmt.Errorf("plugin %s did not end within %s of its host, and was killed", p.name, endTimeout)
	}
	if p.exitErr != nil {
		return fmt.Errorf("plugin %s: %w", p.name, p.ended())
	}
	return nil
}

// Kill ends the plugin's process group at once, and on Linux whatever else the plugin has started.
func (p *Plugin) Kill() {
	p.lookAround()
	p.killed.Store(true)
	select {
	case <-p.exited: // the group's number may be somebody else's by now
	default:
		killGroup(p.cmd.Process)
	}
	<-p.exited
	if p.conn != nil {
		p.conn.Close()
	}
	p.channel.Close()
}
