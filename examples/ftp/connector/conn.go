package connector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"

	"github.com/jlaffaye/ftp"
)

const (
	// dialTimeout bounds the opening of a control or data connection.
	dialTimeout = 30 * time.Second
	// silence is how long a server may send or accept nothing before its connection counts as dead.
	silence = 2 * time.Minute
)

// conn is one control connection, logged in. FTP carries one command or transfer at a time on it, so one goroutine at a
// time may use it.
type conn struct {
	client *ftp.ServerConn
	// abort ends every exchange in progress by closing the sockets. It may be called from any goroutine, at any time.
	abort context.CancelFunc

	life    context.Context
	peer    string   // the address of the server, once the control connection stands
	lists   command  // how it lists
	listing *capture // where the bytes of the next data connection go; nil for a file's
	replies replies  // what the server says
	reused  bool     // it has lain in the pool: the server may have dropped it since

	tls      *tls.Config // nil without TLS
	implicit bool        // TLS starts with the control connection
}

// command is how folders are listed. The library knows no choice on a connection that can do both.
type command string

const (
	mlsd   command = "MLSD" // machine listings (RFC 3659), or LIST if the server does not announce them
	list   command = "LIST"
	either command = "" // it does not matter
)

// connect dials and logs in. ctx bounds both, not the connection that they give.
func connect(ctx context.Context, acc account, how command) (*conn, error) {
	c := &conn{lists: how}
	if how == either {
		c.lists = mlsd
	}
	c.life, c.abort = context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, c.abort)
	err := c.login(acc)
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		c.abort()
		return nil, err
	}
	return c, nil
}

func (c *conn) login(acc account) error {
	options := []ftp.DialOption{
		ftp.DialWithDialFunc(c.dial), ftp.DialWithDebugOutput(&c.replies), ftp.DialWithDisabledMLSD(c.lists == list),
	}
	if acc.security != plain {
		config, err := tlsConfig(acc)
		if err != nil {
			return err
		}
		c.tls, c.implicit = config, acc.security == implicitTLS
		if c.implicit {
			options = append(options, ftp.DialWithTLS(config))
		} else {
			options = append(options, ftp.DialWithExplicitTLS(config))
		}
	}
	client, err := ftp.Dial(acc.address, options...)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", acc.address, err)
	}
	if err := client.Login(acc.username, acc.password); err != nil {
		// The library says USER's refusals without their code.
		if refusal := c.replies.refusal(); refusal != nil && !isRefusal(err) && strings.HasSuffix(err.Error(), refusal.Msg) {
			err = refusal
		}
		isSecret := acc.password != "" && acc.password != anonymous
		if isSecret && strings.Contains(err.Error(), acc.password) {
			err = errors.New("the server's answer repeats the password and is not shown")
		}
		return fmt.Errorf("log in to %s as %s: %w", acc.address, acc.username, err)
	}
	c.client = client
	return nil
}

// dial opens the control connection first and data connections from then on. Those go to the server that answered,
// whatever host its PASV reply names: behind NAT that host is wrong, and a hostile server must not choose whom we
// connect to.
func (c *conn) dial(network, address string) (net.Conn, error) {
	isControl := c.peer == ""
	if !isControl {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		address = net.JoinHostPort(c.peer, port)
	}
	dialer := net.Dialer{Timeout: dialTimeout}
	tcp, err := dialer.DialContext(c.life, network, address)
	if err != nil {
		return nil, err
	}
	if isControl {
		if c.peer, _, err = net.SplitHostPort(tcp.RemoteAddr().String()); err != nil {
			return nil, errors.Join(err, tcp.Close())
		}
	}
	var result net.Conn = &socket{
		Conn: tcp, life: c.life, detach: context.AfterFunc(c.life, func() { tcp.Close() }),
	}
	// The library upgrades a control connection that does not start with TLS.
	if c.tls != nil && (c.implicit || !isControl) {
		result = tls.Client(result, c.tls)
	}
	if c.listing != nil {
		result = &tap{Conn: result, listing: c.listing}
	}
	return result, nil
}

// close says goodbye and closes the connection.
func (c *conn) close() {
	_ = c.client.Quit() // the connection is given up either way
	c.abort()
}

// usable reports whether the connection still answers after an exchange that ended with err: a refusal is an answer,
// unless it is 421, with which a server announces that it hangs up (RFC 959, section 5.4).
func (c *conn) usable(err error) bool {
	if c.life.Err() != nil {
		return false
	}
	var refusal *textproto.Error
	return err == nil || errors.As(err, &refusal) && refusal.Code != ftp.StatusNotAvailable
}

// socket is a TCP connection that fails when its peer falls silent.
type socket struct {
	net.Conn
	life   context.Context // of the conn
	detach func() bool     // from life
}

func (s *socket) Read(p []byte) (int, error) {
	if s.life.Err() != nil { // what has arrived does not count any more
		return 0, net.ErrClosed
	}
	if err := s.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	return s.Conn.Read(p)
}

func (s *socket) Write(p []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	return s.Conn.Write(p)
}

func (s *socket) Close() error {
	s.detach()
	return s.Conn.Close()
}

// tap is a data connection whose bytes are kept. The library, which reads fewer formats and gives a listing up at a line
// that is too long, sees an empty listing.
type tap struct {
	net.Conn
	listing *capture
}

func (t *tap) Read([]byte) (int, error) {
	if _, err := io.Copy(t.listing, t.Conn); err != nil {
		return 0, err
	}
	return 0, io.EOF
}
