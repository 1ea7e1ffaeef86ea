package try

import "io/fs"

// ModeText is the kind and the permissions of an entry as ls shows them, such as "drwxrwxrwt".
func (e Entry) ModeText() string {
	text := []byte(e.Mode.Perm().String())
	text[0] = kinds[e.kind()]
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

// kinds are the letters of ls.
var kinds = map[string]byte{
	"file": '-', "folder": 'd', "link": 'l', "pipe": 'p', "socket": 's', "device": 'b', "character device": 'c', "other": '?',
}

func (e Entry) kind() string {
	switch mode := e.Mode; {
	case mode.IsRegular():
		return "file"
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeSymlink != 0:
		return "link"
	case mode&fs.ModeNamedPipe != 0:
		return "pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeCharDevice != 0:
		return "character device"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "other"
}
