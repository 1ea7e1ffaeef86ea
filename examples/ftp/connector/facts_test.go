package connector

import (
	"testing"
	"time"
)

// FuzzParseFacts looks for lines that make the parser panic or accept what a record must not hold.
func FuzzParseFacts(f *testing.F) {
	for _, line := range []string{
		"modify=20261122153253;perm=adfrw;size=3;type=file;unique=FE00U9;UNIX.group=0;UNIX.mode=0600;UNIX.owner=0; a.txt",
		"modify=20261122153253;perm=flcdmpe;type=cdir;UNIX.mode=01777; .",
		"Type=OS.unix=slink:/a b; link",
		"type=file;size=18446744073709551616; large",
		" name",
		"; ",
	} {
		f.Add(line)
	}
	now := time.Unix(0, 0)
	f.Fuzz(func(t *testing.T, line string) {
		e, err := parseFacts(line, now)
		if err != nil {
			return
		}
		if e.info.Lsize < 0 {
			t.Errorf("%q: size %d", line, e.info.Lsize)
		}
		if e.info.IsDir() != (e.kind == typeFolder || e.kind == typeSelf || e.kind == typeParent) {
			t.Errorf("%q: kind %s has mode %v", line, e.kind, e.info.Lmode)
		}
	})
}
