package try

import (
	"io/fs"

	"github.com/PlakarKorp/kpkg/internal/regular"
)

// ModeText is the kind and the permissions of an entry as ls shows them, such as "drwxrwxrwt".
func (e Entry) ModeText() string {
	text := []byte(e.Mode.Perm().String())
	text[0] = kinds[regular.Kind(e.Mode)]
	for _, special := range []struct {
		mode          fs.FileMode
		at            int
		with, without byte // the permission to execute
	}{{fs.ModeSetuid, 3, 's', 'S'}, {fs.ModeSetgid, 6, 's', 'S'}, {fs.ModeSticky, 9, 't', 'T'}} {
		switch {
		case e.Mode&special.mode == 0:
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
