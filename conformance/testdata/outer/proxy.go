package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/PlakarKorp/kpkg/host"
)

// proxyFaults are faults of the protocol, which the SDK keeps authors from: a proxy before the plugin without a fault makes
// them. Each sees what the host sends, first of a call, and says what becomes of it.
var proxyFaults = map[string]func(p *proxy, method string, message []byte) action{
	"succeeds before Init": func(p *proxy, method string, _ []byte) action {
		return succeedIf(method == "Ping" && !p.initialized.Load())
	},
	"knows every method": func(_ *proxy, method string, _ []byte) action { return succeedIf(method == "NoSuchMethod") },
	"takes any Init": func(_ *proxy, method string, message []byte) action {
		return succeedIf(method == "Init" && strings.Contains(string(message), "no protobuf"))
	},
	"gives any path": func(_ *proxy, method string, message []byte) action {
		return succeedIf(method == "Open" && strings.Contains(string(message), "/never/announced"))
	},
	"dies of unknown acknowledgements": func(_ *proxy, method string, message []byte) action {
		return dieIf(method == "Import" && strings.Contains(string(message), "/never/announced"))
	},
	"dies of empty acknowledgements": func(_ *proxy, method string, message []byte) action {
		return dieIf(method == "Import" && len(message) == 0)
	},
	"drops stray chunks": func(_ *proxy, method string, message []byte) action {
		if method == "Export" && strings.HasSuffix(string(message), "stray") {
			return drop
		}
		return pass
	},
	"takes 4 MiB at most": func(_ *proxy, _ string, message []byte) action { return dieIf(len(message) > 4<<20) },
	"takes any handle": func(_ *proxy, method string, message []byte) action {
		return succeedIf(method == "Resolve" && strings.Contains(string(message), "no protobuf"))
	},
	"takes any MAC": func(_ *proxy, method string, message []byte) action {
		return succeedIf(method == "Delete" && len(message) < 32)
	},
}

// action is what becomes of a message.
type action int

const (
	pass    action = iota
	drop           // and go on with the next
	succeed        // end the call with an empty reply
)

func succeedIf(condition bool) action {
	if condition {
		return succeed
	}
	return pass
}

func dieIf(condition bool) action {
	if condition {
		os.Exit(1)
	}
	return pass
}

// proxy serves the calls of the plugin without a fault, but for one.
type proxy struct {
	plugin      *host.Plugin
	fault       func(p *proxy, method string, message []byte) action
	initialized atomic.Bool
}

// serveProxy serves until the host ends.
func serveProxy(fault func(*proxy, string, []byte) action) {
	plugin, err := host.Start(context.Background(), os.Args[3], host.Options{Args: []string{os.Args[1], "none"}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	p := &proxy{plugin: plugin, fault: fault}
	server := grpc.NewServer(grpc.ForceServerCodec(bytesCodec{}), grpc.UnknownServiceHandler(p.call),
		grpc.MaxRecvMsgSize(64<<20))
	ended := make(chan struct{})
	go server.Serve(&stdioListener{conn: &stdio{ended: ended}})
	<-ended
	plugin.Close()
	os.Exit(0)
}

func (p *proxy) call(_ any, call grpc.ServerStream) error {
	full, _ := grpc.MethodFromServerStream(call)
	method := path.Base(full)
	ctx, cancel := context.WithCancel(call.Context())
	defer cancel()
	behind, err := p.plugin.Conn().NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, full,
		grpc.ForceCodec(bytesCodec{}))
	if err != nil {
		return err
	}
	// The plugin may refuse a call before its first message, which the fault is to see all the same. Of an import, records
	// come before it.
	judged := make(chan struct{})
	judge := sync.OnceFunc(func() { close(judged) })
	if method == "Import" {
		judge()
	}
	succeeded := make(chan struct{})
	go func() {
		for {
			var message []byte
			if err := call.RecvMsg(&message); err != nil {
				behind.CloseSend()
				judge()
				return
			}
			switch p.fault(p, method, message) {
			case succeed:
				close(succeeded)
				return
			case pass:
				behind.SendMsg(&message)
			}
			judge()
		}
	}()
	ended := make(chan error, 1)
	go func() {
		select {
		case <-judged:
		case <-ctx.Done():
			return
		}
		for {
			var message []byte
			err := behind.RecvMsg(&message)
			if err == nil {
				err = call.SendMsg(&message)
			}
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	select {
	case <-succeeded:
		return call.SendMsg(&[]byte{})
	case err := <-ended:
		if errors.Is(err, io.EOF) {
			err = nil
		}
		if method == "Init" && err == nil {
			p.initialized.Store(true)
		}
		return err
	}
}

// bytesCodec sends and receives messages as they are.
type bytesCodec struct{}

func (bytesCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (bytesCodec) Name() string                  { return "proto" }
func (bytesCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}

// stdio is standard input and output as a connection.
type stdio struct {
	net.Conn // the methods that gRPC does not call
	closing  sync.Once
	ended    chan struct{}
}

func (s *stdio) Read(b []byte) (int, error)         { return os.Stdin.Read(b) }
func (s *stdio) Write(b []byte) (int, error)        { return os.Stdout.Write(b) }
func (s *stdio) LocalAddr() net.Addr                { return &net.UnixAddr{} }
func (s *stdio) RemoteAddr() net.Addr               { return &net.UnixAddr{} }
func (s *stdio) SetDeadline(time.Time) error        { return nil }
func (s *stdio) SetReadDeadline(time.Time) error    { return nil }
func (s *stdio) SetWriteDeadline(t time.Time) error { return nil }

func (s *stdio) Close() error {
	s.closing.Do(func() { close(s.ended) })
	return nil
}

// stdioListener accepts one connection.
type stdioListener struct {
	net.Listener
	conn *stdio
	done bool
}

func (l *stdioListener) Accept() (net.Conn, error) {
	if l.done {
		select {}
	}
	l.done = true
	return l.conn, nil
}

func (l *stdioListener) Addr() net.Addr { return &net.UnixAddr{} }
func (l *stdioListener) Close() error   { return nil }
