package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/emersion/go-imap/v2"

	"github.com/PlakarKorp/kpkg/examples/imap/account"
)

// restore is one Export.
type restore struct {
	*Exporter
	ctx       context.Context
	delimiter rune

	mu     sync.Mutex
	exists map[string]bool // mailboxes that the account has
}

// listMailboxes asks what the account has and how it names it.
func (r *restore) listMailboxes() error {
	var found []*imap.ListData
	err := r.pool.Do(r.ctx, func(c *account.Conn) error {
		// The empty pattern asks for the delimiter (RFC 9051, section 6.3.9): there may be no mailbox yet.
		root, err := c.List("", "", nil).Collect()
		if err != nil {
			return err
		}
		for _, data := range root {
			r.delimiter = data.Delim
		}
		found, err = c.List("", "*", nil).Collect()
		return err
	})
	if err != nil {
		return fmt.Errorf("list the mailboxes: %w", err)
	}
	r.exists = make(map[string]bool)
	for _, data := range found {
		r.exists[data.Mailbox] = true
	}
	return nil
}

// folder makes the mailbox of a folder that can hold messages. The others come into being with the mailboxes below.
func (r *restore) folder(name string, mode fs.FileMode) error {
	if name == "/" || mode == account.NotSelectable {
		return nil
	}
	mailbox, err := account.Mailbox(name, r.delimiter)
	if err != nil {
		return err
	}
	return r.create(mailbox)
}

func (r *restore) create(mailbox string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.exists[mailbox] {
		return nil
	}
	err := r.pool.Do(r.ctx, func(c *account.Conn) error {
		err := c.Create(mailbox, nil).Wait()
		if hasCode(err, imap.ResponseCodeAlreadyExists) { // the connection dropped after the first attempt
			err = nil
		}
		if err != nil {
			return err
		}
		// Many mail programs show only what is subscribed. That a server has no subscriptions is no failure.
		if err := c.Subscribe(mailbox).Wait(); !account.IsRefusal(err) {
			return err
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("create mailbox %q: %w", mailbox, err)
	}
	r.exists[mailbox] = true
	return nil
}

// message stores a message. It reads all of it first: what fails half way must leave no half message, and what has to
// be sent again must still be there.
func (r *restore) message(name string, record *connectors.Record) error {
	flags, err := account.FlagsOf(name)
	if err != nil {
		return err
	}
	dir := path.Dir(name)
	if dir == "/" {
		return errors.New("a message must be in a mailbox: restore to a folder, such as imap://HOST/INBOX")
	}
	mailbox, err := account.Mailbox(dir, r.delimiter)
	if err != nil {
		return err
	}
	content, err := newSpool(record.Reader)
	if err != nil {
		return err
	}
	err = r.store(mailbox, content, &imap.AppendOptions{Flags: flags, Time: record.FileInfo.ModTime()})
	return errors.Join(err, content.close())
}

func (r *restore) store(mailbox string, content *spool, options *imap.AppendOptions) error {
	upload := func(c *account.Conn) error {
		command := c.Append(mailbox, content.size, options)
		_, err := io.Copy(command, content.reader())
		err = errors.Join(err, command.Close())
		if err != nil && !account.IsRefusal(err) {
			return err // the server has no whole message, so it will not answer
		}
		_, err = command.Wait()
		return err
	}
	err := r.pool.Do(r.ctx, upload)
	if !hasCode(err, imap.ResponseCodeTryCreate) {
		return err
	}
	if err := r.create(mailbox); err != nil {
		return err
	}
	return r.pool.Do(r.ctx, upload)
}

func hasCode(err error, code imap.ResponseCode) bool {
	var refusal *imap.Error
	return errors.As(err, &refusal) && refusal.Code == code
}
