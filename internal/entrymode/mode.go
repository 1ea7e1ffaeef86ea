// Package entrymode is how the kind and the permissions of an entry are shown.
package entrymode

import (
	"io/fs"

	"github.com/PlakarKorp/kpkg/internal/regular"
)

// Text is the kind and the permissions of an entry as ls shows them, such as "drwxrwxrwt".
func Text(mode fs.FileMode) string {
	text := []byte(mode.Perm().String())
	text[0] = kinds[regular.Kind(mode)]
	for _, special := range []struct {
		mode          fs.FileMode
		at            int
		with, without byte // the permission to execute
	}{{fs.ModeSetuid, 3, 's', 'S'}, {fs.ModeSetgid, 6, 's', 'S'}, {fs.ModeSticky, 9, 't', 'T'}} {
		switch {
		case mode&special.mode == 0:
		case text[special.at] == 'x':
			text[special.at] = special.with
		default:
			text[special.at] = special.without
		}
	}
	return string(text)
}

// kinds are the letters of ls for what regular.Kind says.
var kinds = map[string]byte{
	"file": '-', "folder": 'd', "link": 'l', "pipe": 'p', "socket": 's', "device": 'b', "character device": 'c', "other": '?',
}
