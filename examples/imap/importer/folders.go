package importer

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"github.com/PlakarKorp/kpkg/examples/imap/account"
)

// maxPath bounds the length of a path, in bytes, and so the depth of a tree that a server makes up.
const maxPath = 4096

// folder is a mailbox, or a level of names above mailboxes.
type folder struct {
	path       string
	mailbox    string // as the server names it
	selectable bool   // it can hold messages
}

// folders lists the root, all that is below it and all that is above it, by path, so that each comes after the one it
// is in. flaws are mailboxes that cannot be backed up.
func (w *walk) folders() (all []folder, flaws []error, err error) {
	var mailboxes []*imap.ListData
	err = w.pool.Do(w.ctx, func(c *account.Conn) (err error) {
		mailboxes, err = c.List("", "*", nil).Collect()
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list the mailboxes: %w", err)
	}

	found := map[string]folder{"/": {path: "/"}}
	for _, data := range mailboxes {
		f := folder{
			path:       account.FolderPath(data.Mailbox, data.Delim),
			mailbox:    data.Mailbox,
			selectable: !slices.ContainsFunc(data.Attrs, isNotSelectable),
		}
		if len(f.path) > maxPath {
			flaws = append(flaws, fmt.Errorf("mailbox %.100q: its path is longer than %d bytes", f.mailbox, maxPath))
			continue
		}
		if !isBelow(f.path, w.account.Root) {
			continue
		}
		// Namespaces may differ in their delimiter, and then two names may mean one path.
		if other := found[f.path]; other.selectable && f.selectable {
			flaws = append(flaws, fmt.Errorf("mailbox %q: mailbox %q has the same path", f.mailbox, other.mailbox))
			continue
		} else if !other.selectable {
			found[f.path] = f
		}
		for dir := path.Dir(f.path); found[dir].path == ""; dir = path.Dir(dir) {
			found[dir] = folder{path: dir}
		}
	}
	if found[w.account.Root].path == "" {
		return nil, nil, fmt.Errorf("there is no folder %s", w.account.Root)
	}
	byPath := func(a, b folder) int { return strings.Compare(a.path, b.path) }
	return slices.SortedFunc(maps.Values(found), byPath), flaws, nil
}

func isNotSelectable(attribute imap.MailboxAttr) bool {
	return strings.EqualFold(string(attribute), string(imap.MailboxAttrNoSelect)) ||
		strings.EqualFold(string(attribute), string(imap.MailboxAttrNonExistent))
}

func isBelow(name, dir string) bool {
	return dir == "/" || name == dir || strings.HasPrefix(name, dir+"/")
}
