package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/PlakarKorp/kpkg/examples/imap/account"
)

// maxDrops is how often in a row the connection may drop before a message gets any further.
const maxDrops = 6

// content is a message being read. It holds a connection from the first Read to the end of the message or Close,
// whichever comes first. When the connection drops, it asks another for the rest.
type content struct {
	importer *Importer
	ctx      context.Context
	mailbox  string
	id       account.Message
	name     string

	offset  int64 // how much was read
	size    int64 // of the message, once known
	started bool  // size is known
	drops   int   // since something was read
	err     error // what Read says from now on

	// The answer being read, if any.
	conn    *account.Conn
	command *imapclient.FetchCommand
	literal imap.LiteralReader
}

func (m *content) Read(p []byte) (int, error) {
	for m.err == nil {
		if m.started && m.offset == m.size {
			if m.conn != nil {
				err := m.conn.Explain(m.command.Close())
				m.literal = nil
				if errors.Is(err, account.ErrTooMuch) { // any other end may come now
					m.fail(err)
					break
				}
				m.release(err)
			}
			m.err = io.EOF
			break
		}
		err := m.ask()
		var n int
		if err == nil {
			n, err = m.literal.Read(p)
			m.offset += int64(n)
			if err != nil {
				m.literal = nil // the library allows no further Read, not even its own
			}
		}
		if n > 0 {
			m.drops = 0
			if err != nil && m.offset < m.size {
				m.release(errDropped)
			}
			return n, nil
		}
		switch {
		case err == nil: // nothing yet, or p is empty
			return 0, nil
		case m.started && m.offset == m.size:
			continue
		case m.ctx.Err() != nil:
			m.fail(context.Cause(m.ctx))
		case m.conn == nil:
			m.fail(err) // the pool has given up, or the message is gone
		case account.IsRefusal(err) || errors.Is(err, errShrunk) || errors.Is(err, account.ErrTooMuch):
			m.fail(err)
		case m.drops == maxDrops:
			m.fail(fmt.Errorf("%w %d times: %w", errDropped, maxDrops, err))
		default:
			m.drops++
			m.release(err)
			m.importer.pool.Dropped(m.drops)
		}
	}
	return 0, m.err
}

// Close gives up what was not read: the server would insist on sending it, so the connection goes too.
func (m *content) Close() error {
	if m.err == nil {
		m.fail(fs.ErrClosed)
	}
	return nil
}

// ask requests what is missing, unless it is on its way. An error leaves the connection to the caller, if there is one.
func (m *content) ask() error {
	if m.conn != nil {
		return nil
	}
	c, err := m.importer.pool.Get(m.ctx)
	if err != nil {
		return err
	}
	m.conn = c
	validity, err := c.Examined(m.mailbox)
	if err != nil {
		return err
	}
	if validity != m.id.Validity {
		m.release(nil)
		return errChanged
	}
	var rest *imap.SectionPartial
	if m.started {
		rest = &imap.SectionPartial{Offset: m.offset, Size: m.size - m.offset}
	}
	m.command = c.Content(m.id.UID, rest)
	return m.awaitLiteral()
}

func (m *content) awaitLiteral() error {
	for message := m.command.Next(); message != nil; message = m.command.Next() {
		for item := message.Next(); item != nil; item = message.Next() {
			body, isBody := item.(imapclient.FetchItemDataBodySection)
			if !isBody || body.Literal == nil {
				continue
			}
			m.literal = body.Literal
			if !m.started {
				m.size, m.started = body.Literal.Size(), true
			}
			if body.Literal.Size() != m.size-m.offset {
				return errShrunk
			}
			return nil
		}
	}
	if err := m.command.Close(); err != nil {
		return err
	}
	m.release(nil)
	return fmt.Errorf("the server gives no content, or the message was deleted during the backup: %w", fs.ErrNotExist)
}

var errDropped = errors.New("the connection dropped")

// errShrunk is a server that sends another message under the same UID, or less of it than there is.
var errShrunk = errors.New("the server changed the size of the message")

// release gives the connection back, with how the exchange ended.
func (m *content) release(err error) {
	if m.conn == nil {
		return
	}
	m.importer.pool.Put(m.conn, err)
	m.conn, m.command, m.literal = nil, nil, nil
}

func (m *content) fail(err error) {
	command, unread := m.command, m.literal != nil
	m.release(err)
	if unread {
		_ = command.Close() // it failed with the connection; this ends the goroutine that waits for readers
	}
	m.err = fmt.Errorf("read %s: %w", m.name, err)
}
