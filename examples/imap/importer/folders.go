package importer

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

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
	var mailboxes []account.ListedMailbox
	err = w.pool.Do(w.ctx, func(c *account.Conn) (err error) {
		mailboxes, err = c.Mailboxes("*")
		return err
	})
	if err != nil {
		err = fmt.Errorf("list the mailboxes: %w", err)
		if !account.IsRefusal(err) || len(mailboxes) == 0 {
			return nil, nil, err
		}
		flaws = append(flaws, err)
	}

	found := map[string]folder{"/": {path: "/"}}
	for _, listed := range mailboxes {
		f := folder{
			path:       account.FolderPath(listed.Name, listed.Delimiter),
			mailbox:    listed.Name,
			selectable: listed.Selectable,
		}
		if len(f.path) > maxPath {
			flaws = append(flaws, fmt.Errorf("mailbox %.100q: its path is longer than %d bytes", f.mailbox, maxPath))
			continue
		}
		if !isBelow(f.path, w.account.Root) {
			continue
		}
		// Namespaces may differ in their delimiter, and then two names may mean one path.
		if other := found[f.path]; other.selectable && f.selectable && other.mailbox == f.mailbox {
			continue
		} else if other.selectable && f.selectable {
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

func isBelow(name, dir string) bool {
	return dir == "/" || name == dir || strings.HasPrefix(name, dir+"/")
}
