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

	mu       sync.Mutex
	exists   map[string]bool        // mailboxes that the account has
	keywords map[string][]imap.Flag // of messages yet to come whose names have no place for them
}

// listMailboxes asks what the account has and how it names it.
func (r *restore) listMailboxes() error {
	var found []account.ListedMailbox
	err := r.pool.Do(r.ctx, func(c *account.Conn) error {
		// The empty pattern asks for the delimiter (RFC 9051, section 6.3.9): there may be no mailbox yet.
		root, err := c.Mailboxes("")
		if err != nil {
			return err
		}
		for _, listed := range root {
			r.delimiter = listed.Delimiter
		}
		found, err = c.Mailboxes("*")
		return err
	})
	if err != nil {
		return fmt.Errorf("list the mailboxes: %w", err)
	}
	r.exists = make(map[string]bool)
	for _, listed := range found {
		r.exists[listed.Name] = true
	}
	r.keywords = make(map[string][]imap.Flag)
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
	var incomplete error
	if account.LacksKeywords(name) {
		message, _ := account.MessageOf(name)
		r.mu.Lock()
		keywords, isKnown := r.keywords[message]
		delete(r.keywords, message)
		r.mu.Unlock()
		flags = append(flags, keywords...)
		if !isKnown {
			incomplete = errors.New("stored without its keywords: the file that holds them did not come before it")
		}
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
	options := &imap.AppendOptions{Flags: flags}
	if date := record.FileInfo.ModTime(); !date.Equal(account.NoTime) {
		options.Time = date
	}
	if err = r.store(mailbox, content, options); err == nil {
		err = incomplete
	}
	return errors.Join(err, content.close())
}

// maxKeywords bounds a file of keywords, in bytes.
const maxKeywords = 1 << 20

// keep notes the keywords of a message that is yet to come.
func (r *restore) keep(message string, content io.Reader) error {
	if content == nil {
		return nil
	}
	keywords, err := io.ReadAll(io.LimitReader(content, maxKeywords))
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keywords[message] = account.ParseKeywords(string(keywords))
	return nil
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
