package account

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// dialTimeout bounds the opening of a connection.
const dialTimeout = 30 * time.Second

// Conn is one connection, logged in. One goroutine at a time may use it.
type Conn struct {
	*imapclient.Client

	socket   *socket
	selected string // the mailbox that Examine opened last
	validity uint32 // of selected
	detach   func() bool
}

// dial connects and logs in. ctx bounds both, not the connection that they give.
func dial(ctx context.Context, a Account, config *tls.Config) (*Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	tcp, err := dialer.DialContext(ctx, "tcp", a.address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", a.address, err)
	}
	config = config.Clone()
	if config.ServerName, _, err = net.SplitHostPort(a.address); err != nil {
		_ = tcp.Close() // err says more
		return nil, err
	}
	s := &socket{Conn: tcp}
	defer context.AfterFunc(ctx, func() { tcp.Close() })()
	c, err := logIn(ctx, a, s, config)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = tcp.Close() // err says more; the library may have closed it
		return nil, err
	}
	return c, nil
}

func logIn(ctx context.Context, a Account, s *socket, config *tls.Config) (*Conn, error) {
	if err := s.setBusy(true); err != nil {
		return nil, err
	}
	c := &Conn{socket: s}
	var err error
	switch a.security {
	case TLS:
		encrypted := tls.Client(s, config)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("start TLS with %s, which may want tls=starttls: %w", a.address, err)
		}
		c.Client = imapclient.New(encrypted, nil)
	case StartTLS:
		if c.Client, err = imapclient.NewStartTLS(s, &imapclient.Options{TLSConfig: config}); err != nil {
			return nil, fmt.Errorf("start TLS with %s: %w", a.address, err)
		}
	default:
		c.Client = imapclient.New(s, nil)
	}
	if err := c.WaitGreeting(); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", a.address, err)
	}
	if c.Caps().Has(imap.CapLoginDisabled) {
		return nil, fmt.Errorf("%s takes no password on this connection: set tls=tls or tls=starttls", a.address)
	}
	if err := c.Login(a.username, a.password).Wait(); err != nil {
		if strings.Contains(err.Error(), a.password) {
			err = errors.New("the server's answer repeats the password and is not shown")
		}
		return nil, fmt.Errorf("log in to %s as %s: %w", a.address, a.username, err)
	}
	return c, nil
}

// Examine opens a mailbox for reading, as it is now, and returns its UIDVALIDITY. Nothing that is read through it
// becomes \Seen.
func (c *Conn) Examine(mailbox string) (uint32, error) {
	c.selected = "" // a refusal leaves no mailbox open
	data, err := c.Select(mailbox, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return 0, err
	}
	c.selected, c.validity = mailbox, data.UIDValidity
	return c.validity, nil
}

// Examined is Examine, or nothing if the mailbox is open already.
func (c *Conn) Examined(mailbox string) (uint32, error) {
	if c.selected == mailbox {
		return c.validity, nil
	}
	return c.Examine(mailbox)
}

// abort cuts the connection and with it every exchange in progress. It may be called from any goroutine.
func (c *Conn) abort() {
	// Not the client's Close, which waits for whoever is reading a message.
	_ = c.socket.Conn.Close() // a second time at worst
}

// usable reports whether the connection still answers after an exchange that ended with err: a refusal is an answer.
func (c *Conn) usable(err error) bool {
	return (err == nil || IsRefusal(err)) && c.State() != imap.ConnStateLogout
}

// IsRefusal tells an answer of the server, such as "no such mailbox", from a connection that failed.
func IsRefusal(err error) bool {
	var refusal *imap.Error
	return errors.As(err, &refusal) && refusal.Type != imap.StatusResponseTypeBye
}
