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

// dialTimeout bounds the opening of a connection, login and all: a server that has as many as it serves may leave others
// waiting.
const dialTimeout = 30 * time.Second

// Conn is one connection, logged in. One goroutine at a time may use it.
type Conn struct {
	*imapclient.Client

	socket   *socket
	answers  *answers
	selected string // the mailbox that Examine opened last
	validity uint32 // of selected
	detach   func() bool
}

// dial connects and logs in. ctx bounds both, not the connection that they give.
func dial(ctx context.Context, a Account, config *tls.Config) (*Conn, error) {
	within, cancel := context.WithTimeoutCause(ctx, dialTimeout, fmt.Errorf("connect to %s: no answer", a.address))
	defer cancel()
	var dialer net.Dialer
	tcp, err := dialer.DialContext(within, "tcp", a.address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", a.address, err)
	}
	config = config.Clone()
	if config.ServerName, _, err = net.SplitHostPort(a.address); err != nil {
		_ = tcp.Close() // err says more
		return nil, err
	}
	s := &socket{Conn: tcp}
	defer context.AfterFunc(within, func() { tcp.Close() })()
	c, err := logIn(within, a, s, config)
	if within.Err() != nil {
		err = context.Cause(within)
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
	switch a.security {
	case TLS:
		encrypted := tls.Client(s, config)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("start TLS with %s, which may want tls=starttls: %w", a.address, err)
		}
		c.answers = newAnswers(encrypted)
	case StartTLS:
		encrypted, err := startTLS(ctx, s, config)
		if err != nil {
			return nil, fmt.Errorf("start TLS with %s: %w", a.address, err)
		}
		c.answers = newAnswers(encrypted)
		// The server has greeted before TLS, and the library still waits for it.
		c.answers.greet("OK", "", nil, "TLS started")
	default:
		c.answers = newAnswers(s)
	}
	c.Client = imapclient.New(c.answers, nil)
	if err := c.WaitGreeting(); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", a.address, c.Explain(err))
	}
	if c.Caps().Has(imap.CapLoginDisabled) {
		return nil, fmt.Errorf("%s takes no password on this connection: set tls=tls or tls=starttls", a.address)
	}
	if err := c.Login(a.username, a.password).Wait(); err != nil {
		err = c.Explain(err)
		if strings.Contains(err.Error(), a.password) {
			err = errors.New("the server's answer repeats the password and is not shown")
		}
		return nil, fmt.Errorf("log in to %s as %s: %w", a.address, a.username, err)
	}
	return c, nil
}

// Explain gives the reason why a connection has ended, if it is known, instead of err, which says that it has.
func (c *Conn) Explain(err error) error {
	if err == nil || IsRefusal(err) {
		return err
	}
	c.answers.mu.Lock()
	defer c.answers.mu.Unlock()
	switch {
	case c.answers.tooMuch:
		return ErrTooMuch
	case c.answers.bye != nil:
		return c.answers.bye
	}
	return err
}

// Mailboxes lists the mailboxes whose names match pattern (RFC 9051, section 6.3.9). With an error, those that the
// server named before it.
func (c *Conn) Mailboxes(pattern string) ([]ListedMailbox, error) {
	a := c.answers
	a.mu.Lock()
	a.mailboxes = nil
	a.mu.Unlock()
	err := c.List("", pattern, nil).Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mailboxes, err
}

// Describe asks what the server knows of messages. Those it says nothing of, and those of which it cannot be
// understood, are missing from what it returns; with an error, those too that would have come after it.
func (c *Conn) Describe(uids []imap.UID) (map[imap.UID]Description, error) {
	a := c.answers
	a.ask(uids...)
	a.mu.Lock()
	a.described = make(map[imap.UID]Description)
	a.mu.Unlock()
	options := &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true}
	err := c.Fetch(imap.UIDSetNum(uids...), options).Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.described, err
}

// Content asks for the content of a message, or for the part of it.
func (c *Conn) Content(uid imap.UID, part *imap.SectionPartial) *imapclient.FetchCommand {
	c.answers.ask(uid)
	return c.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{
		UID:         true,
		BodySection: []*imap.FetchItemBodySection{{Peek: true, Partial: part}},
	})
}

// Examine opens a mailbox for reading, as it is now. Nothing that is read through it becomes \Seen.
func (c *Conn) Examine(mailbox string) (*imap.SelectData, error) {
	c.selected = "" // a refusal leaves no mailbox open
	data, err := c.Select(mailbox, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return nil, err
	}
	c.selected, c.validity = mailbox, data.UIDValidity
	return data, nil
}

// Examined is Examine, or nothing if the mailbox is open already. It returns the mailbox's UIDVALIDITY, 0 where the
// server has none.
func (c *Conn) Examined(mailbox string) (uint32, error) {
	if c.selected == mailbox {
		return c.validity, nil
	}
	data, err := c.Examine(mailbox)
	if err != nil {
		return 0, err
	}
	return data.UIDValidity, nil
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

// IsRefusal tells an answer of the server, such as "no such mailbox", from a connection that failed or that the server
// has one too many of.
func IsRefusal(err error) bool {
	var refusal *imap.Error
	return errors.As(err, &refusal) && refusal.Type != imap.StatusResponseTypeBye && !isCrowded(err)
}
