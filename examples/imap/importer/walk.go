package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/emersion/go-imap/v2"

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
		if err := w.sendMessages(f); err != nil {
			if w.isFatal(err) {
				return err
			}
			if err := w.send(connectors.NewError(f.path, fmt.Errorf("mailbox %q: %w", f.mailbox, err))); err != nil {
				return err
			}
		}
	}
	return nil
}

// isFatal tells an error that ends the import from one that costs a mailbox or a message.
func (w *walk) isFatal(err error) bool {
	return w.ctx.Err() != nil || errors.Is(err, account.ErrGone) || errors.Is(err, account.ErrClosed)
}

// folderInfo says by its mode whether a folder can hold messages.
func folderInfo(f folder) objects.FileInfo {
	info := objects.FileInfo{Lname: path.Base(f.path), Lmode: fs.ModeDir | 0o700, LmodTime: account.NoTime, Lnlink: 1}
	if !f.selectable {
		info.Lmode = account.NotSelectable
	}
	return info
}

// sendMessages sends the messages that the mailbox holds when it is opened.
func (w *walk) sendMessages(f folder) error {
	validity, uids, incomplete := w.number(f)
	if incomplete != nil && (w.isFatal(incomplete) || len(uids) == 0) {
		return incomplete
	}
	for some := range slices.Chunk(uids, batch) {
		descriptions, err := w.describe(f, validity, some)
		if err != nil {
			return err
		}
		for _, d := range descriptions {
			if err := w.sendMessage(f, validity, d); err != nil {
				return err
			}
		}
	}
	return incomplete
}

// number opens a mailbox and gives the UIDs of its messages; with an error, not of all of them.
func (w *walk) number(f folder) (validity uint32, uids []imap.UID, err error) {
	for range 2 { // a message that is deleted between the two answers makes them differ
		var messages int
		err = w.pool.Do(w.ctx, func(c *account.Conn) error {
			data, err := c.Examine(f.mailbox)
			if err != nil {
				return err
			}
			validity, messages, uids = data.UIDValidity, int(data.NumMessages), nil
			found, err := c.UIDSearch(&imap.SearchCriteria{}, nil).Wait()
			uids = found.AllUIDs()
			return err
		})
		if err != nil || len(uids) >= messages {
			return validity, uids, err
		}
		err = fmt.Errorf("the server has %d messages and numbers %d of them", messages, len(uids))
	}
	return validity, uids, err
}

// description is what is known of a message, or why nothing is.
type description struct {
	account.Description
	err error
}

// describe asks for what is known of messages. When the server fails at some, it asks for fewer at a time, until it is
// known which they are.
func (w *walk) describe(f folder, validity uint32, uids []imap.UID) ([]description, error) {
	var found map[imap.UID]account.Description
	changed := false
	err := w.pool.Do(w.ctx, func(c *account.Conn) error {
		now, err := c.Examined(f.mailbox)
		if err != nil {
			return err
		}
		if changed = now != validity; changed {
			return nil
		}
		found, err = c.Describe(uids)
		return err
	})
	switch {
	case changed:
		return nil, errChanged
	case err != nil && w.isFatal(err):
		return nil, err
	}
	var all []description
	var missing []imap.UID
	for _, uid := range uids {
		if d, isFound := found[uid]; isFound {
			all = append(all, description{Description: d})
		} else {
			missing = append(missing, uid)
		}
	}
	switch {
	case len(missing) == 0:
		return all, nil
	case len(uids) == 1:
		d, err := w.undescribed(f, uids[0], err)
		return d, err
	}
	for half := range slices.Chunk(missing, (len(missing)+1)/2) {
		more, err := w.describe(f, validity, half)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// undescribed is a message that the server says nothing of, unless it is no more. why is how the server refused.
func (w *walk) undescribed(f folder, uid imap.UID, why error) ([]description, error) {
	if why == nil {
		isThere := true
		err := w.pool.Do(w.ctx, func(c *account.Conn) error {
			if _, err := c.Examined(f.mailbox); err != nil {
				return err
			}
			found, err := c.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(uid)}}, nil).Wait()
			isThere = err != nil || slices.Contains(found.AllUIDs(), uid)
			return err
		})
		if err != nil && w.isFatal(err) {
			return nil, err
		}
		if !isThere { // deleted meanwhile
			return nil, nil
		}
		why = errors.New("the server does not describe it, or not in a way that can be understood")
	}
	return []description{{Description: account.Description{UID: uid}, err: why}}, nil
}

func (w *walk) sendMessage(f folder, validity uint32, d description) error {
	id := account.Message{Validity: validity, UID: d.UID, Flags: d.Flags}
	name := path.Join(f.path, id.FileName())
	if w.excludes.IsExcluded(name, false) {
		return nil
	}
	if d.err != nil {
		return w.send(connectors.NewError(name, fmt.Errorf("mailbox %q, message %d: %w", f.mailbox, d.UID, d.err)))
	}
	if keywordsName, keywords := id.KeywordsFile(); keywordsName != "" {
		open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(keywords)), nil }
		if err := w.sendFile(path.Join(f.path, keywordsName), int64(len(keywords)), d.Date, open); err != nil {
			return err
		}
	}
	return w.sendFile(name, d.Size, d.Date, func() (io.ReadCloser, error) {
		return &content{importer: w.Importer, ctx: w.reading, mailbox: f.mailbox, id: id, name: name}, nil
	})
}

// sendFile sends a message or its keywords. Without a date it has the time of folders, which have none.
func (w *walk) sendFile(name string, size int64, date time.Time, open func() (io.ReadCloser, error)) error {
	if date.IsZero() {
		date = account.NoTime
	}
	return w.send(&connectors.Record{
		Pathname: name,
		FileInfo: objects.FileInfo{Lname: path.Base(name), Lsize: size, Lmode: 0o600, LmodTime: date, Lnlink: 1},
		Reader:   connectors.NewLazyReader(open),
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
