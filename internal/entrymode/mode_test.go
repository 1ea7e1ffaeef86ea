package entrymode

import (
	"io/fs"
	"testing"
)

func TestText(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		0o644:                               "-rw-r--r--",
		fs.ModeDir | 0o755:                  "drwxr-xr-x",
		fs.ModeDir | fs.ModeSticky | 0o777:  "drwxrwxrwt",
		fs.ModeDir | fs.ModeSticky | 0o770:  "drwxrwx--T",
		fs.ModeSetuid | 0o755:               "-rwsr-xr-x",
		fs.ModeSetgid | 0o745:               "-rwxr-Sr-x",
		fs.ModeSymlink | 0o777:              "lrwxrwxrwx",
		fs.ModeNamedPipe | 0o600:            "prw-------",
		fs.ModeSocket | 0o600:               "srw-------",
		fs.ModeDevice | 0o660:               "brw-rw----",
		fs.ModeDevice | fs.ModeCharDevice:   "c---------",
		fs.ModeIrregular | fs.FileMode(0o4): "?------r--",
	} {
		if got := Text(mode); got != want {
			t.Errorf("%v: %s, want %s", mode, got, want)
		}
	}
}
