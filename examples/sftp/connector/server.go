package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

const (
	// patience is how long connecting and logging in may take together.
	patience = 30 * time.Second
	// beat is how often a server shows that it is alive, and silence how long it may fail to.
	beat    = 15 * time.Second
	silence = 30 * time.Second
)

// server is a server, with one connection over which all goes at once. A connection that has ended is replaced when it is needed
// again.
type server struct {
	account

	mu     sync.Mutex
	conn   *connection
	closed bool
}

// connection is an SSH connection and its SFTP session.
type connection struct {
	*sftp.Client
	ssh   *ssh.Client
	ended chan struct{}
}

// dial connects, so that a wrong host, key, name or password is known at once.
func dial(ctx context.Context, a account) (*server, error) {
	s := &server{account: a}
	_, err := s.client(ctx)
	return s, err
}

// client is the connection, a new one if there is none any more.
func (s *server) client(ctx context.Context) (*connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("the connector is closed")
	}
	if s.conn != nil {
		select {
		case <-s.conn.ended:
		default:
			return s.conn, nil
		}
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", s.origin, err)
	}
	s.conn = conn
	return conn, nil
}

func (s *server) connect(ctx context.Context) (*connection, error) {
	check, kinds, err := s.hostKeys()
	if err != nil {
		return nil, err
	}
	methods, release, err := s.login()
	if err != nil {
		return nil, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	line, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { line.Close() })
	shell, channels, requests, err := ssh.NewClientConn(line, s.address, &ssh.ClientConfig{
		User: s.username, Auth: methods, HostKeyCallback: check, HostKeyAlgorithms: kinds,
	})
	if err != nil {
		line.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	conn := &connection{ssh: ssh.NewClient(shell, channels, requests), ended: make(chan struct{})}
	conn.Client, err = sftp.NewClient(conn.ssh, sftp.UseConcurrentWrites(true), sftp.MaxConcurrentRequestsPerFile(32))
	if err == nil && !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.ssh.Close()
		return nil, fmt.Errorf("start SFTP, which the server may not offer if it has not ended the connection: %w", err)
	}
	go func() {
		defer close(conn.ended)
		_ = conn.ssh.Wait() // whatever ends it
	}()
	go conn.watch()
	return conn, nil
}

// named is err, with the server's name if it says no more than that the connection was lost. What could not be sent over one says
// only that something has ended, which is said of no content: its end is io.EOF itself.
func (a account) named(err error) error {
	switch {
	case errors.Is(err, sftp.ErrSSHFxConnectionLost):
		return fmt.Errorf("%s: %w", a.origin, err)
	case err != io.EOF && errors.Is(err, io.EOF):
		return fmt.Errorf("%s: %w: %w", a.origin, sftp.ErrSSHFxConnectionLost, err)
	}
	return err
}

// watch ends a connection whose server says nothing any more: what waits for it fails then.
func (c *connection) watch() {
	for {
		select {
		case <-c.ended:
			return
		case <-time.After(beat):
		}
		dead := time.AfterFunc(silence, func() { c.ssh.Close() })
		_, _, _ = c.ssh.SendRequest("keepalive@openssh.com", true, nil) // any answer will do
		dead.Stop()
	}
}

// Origin is the host, with the port if the location names one.
func (s *server) Origin() string { return s.origin }

// Type is "sftp".
func (s *server) Type() string { return "sftp" }

// Root is the path of the location.
func (s *server) Root() string { return s.root }

// Ping asks whether the server still answers.
func (s *server) Ping(ctx context.Context) error {
	client, err := s.client(ctx)
	if err == nil {
		_, err = client.RealPath(".")
	}
	return s.named(err)
}

// Close ends the connection. What is still being read or written fails.
func (s *server) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.conn != nil {
		s.conn.Client.Close()
		s.conn.ssh.Close()
	}
	return nil
}
