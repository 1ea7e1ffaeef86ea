package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/PlakarKorp/kpkg/examples/imap/account"
)

// batch is how many messages are described in one answer. Descriptions are taken before any record is sent, so that a
// slow reader never holds up the server.
const batch = 500

// errChanged is a mailbox that was deleted and made anew while it was read.
var errChanged = errors.New("the mailbox was replaced during the backup")

// walk sends the records of one Import.
type walk struct {
	*Importer
	ctx     context.Context
	reading context.Context // bounds the reading of messages
	records chan<- *connectors.Record
}

func (w *walk) run() error {
	folders, flaws, err := w.folders()
	if err != nil {
		return err
	}
	for _, flaw := range flaws {
		if err := w.send(connectors.NewError(w.account.Root, flaw)); err != nil {
			return err
		}
	}
	excluded := make(map[string]bool)
	for _, f := range folders {
		if excluded[path.Dir(f.path)] || f.path != "/" && w.excludes.IsExcluded(f.path, true) {
			excluded[f.path] = true
			continue
		}
		if err := w.send(&connectors.Record{Pathname: f.path, FileInfo: folderInfo(f)}); err != nil {
			return err
		}
		if !f.selectable {
			continue
		}
		err := w.sendMessages(f)
		if err != nil && (account.IsRefusal(err) || errors.Is(err, errChanged)) {
			err = w.send(connectors.NewError(f.path, fmt.Errorf("mailbox %q: %w", f.mailbox, err)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// folderInfo says by its mode whether a folder can hold messages. Mailboxes have no time.
func folderInfo(f folder) objects.FileInfo {
	info := objects.FileInfo{Lname: path.Base(f.path), Lmode: fs.ModeDir | 0o700, LmodTime: time.Unix(0, 0), Lnlink: 1}
	if !f.selectable {
		info.Lmode = account.NotSelectable
	}
	return info
}

// sendMessages sends the messages that the mailbox holds when it is opened.
func (w *walk) sendMessages(f folder) error {
	var validity uint32
	var uids []imap.UID
	err := w.pool.Do(w.ctx, func(c *account.Conn) (err error) {
		if validity, err = c.Examine(f.mailbox); err != nil {
			return err
		}
		found, err := c.UIDSearch(&imap.SearchCriteria{}, nil).Wait()
		if err == nil {
			uids = found.AllUIDs()
		}
		return err
	})
	if err != nil {
		return err
	}
	for some := range slices.Chunk(uids, batch) {
		var described []*imapclient.FetchMessageBuffer
		err := w.pool.Do(w.ctx, func(c *account.Conn) error {
			now, err := c.Examined(f.mailbox)
			if err != nil || now != validity {
				described = nil
				return err
			}
			options := &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true}
			described, err = c.Fetch(imap.UIDSetNum(some...), options).Collect()
			if err == nil && described == nil {
				described = []*imapclient.FetchMessageBuffer{} // deleted meanwhile, all of them
			}
			return err
		})
		if err != nil {
			return err
		}
		if described == nil {
			return errChanged
		}
		for _, message := range described {
			if err := w.sendMessage(f, validity, message); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walk) sendMessage(f folder, validity uint32, message *imapclient.FetchMessageBuffer) error {
	id := account.Message{Validity: validity, UID: message.UID, Flags: message.Flags}
	name := path.Join(f.path, id.FileName())
	if w.excludes.IsExcluded(name, false) {
		return nil
	}
	open := func() (io.ReadCloser, error) {
		return &content{importer: w.Importer, ctx: w.reading, mailbox: f.mailbox, id: id, name: name}, nil
	}
	return w.send(&connectors.Record{
		Pathname: name,
		FileInfo: objects.FileInfo{
			Lname:    path.Base(name),
			Lsize:    message.RFC822Size,
			Lmode:    0o600,
			LmodTime: message.InternalDate,
			Lnlink:   1,
		},
		Reader: connectors.NewLazyReader(open),
	})
}

func (w *walk) send(record *connectors.Record) error {
	select {
	case w.records <- record:
		return nil
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	}
}
