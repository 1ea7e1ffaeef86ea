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

// TestParseFacts holds lines in which something is odd, and lines that can be read in two ways.
func TestParseFacts(t *testing.T) {
	const ambiguous = ""
	for line, want := range map[string]string{
		"type=file;size=3; a;b=c; d":                        "file a;b=c; d 3",
		"type=file;size=3;  leading ":                       "file  leading  3",
		"type=file;size=3;\tname":                           "file name 3",
		"type=file no semicolon":                            "file no semicolon 0",
		"type=file;UNIX.ownername=domain users; f":          "file f 0",
		"type=file;size=-1; f":                              "file f 0",
		"type=file;size=99999999999999999999; f":            "file f 0",
		"type=file;size=5;modify=yesterday;UNIX.mode=rw; f": "file f 5",
		"type=file;modify=19100105091500; f":                "file f 0 1910-01-05 09:15:00",
		"type=file;modify=00000101000000; f":                "file f 0",
		"type=file;modify=99991231235959.999; f":            "file f 0 9999-12-31 23:59:59",
		"type=OS.unix=slink:/foo; l":                        "os.unix=symlink l => /foo 0",
		"Type=OS.UNIX=Slink:a=b;size=3;UNIX.mode=0777; l":   "os.unix=symlink l => a=b 0",
		"type=OS.unix=slink:/a b; l -> m":                   "os.unix=symlink l -> m => /a b 0",
		"type=OS.unix=slink:a -> b; l":                      "os.unix=symlink l => a -> b 0",
		"type=OS.unix=slink:; l":                            "os.unix=symlink l 0",
		"type=OS.unix=symlink; a -> b":                      "os.unix=symlink a -> b 0",
		"type=OS.unix=slink:a; b; l":                        ambiguous, // "b; l", or "l" that points to "a; b"
		"type=OS.unix=slink:a;b; l":                         ambiguous, // a target of "a", or of "a;b"
		"type=file;UNIX.ownername=domain users; f; g":       ambiguous,
		"nonsense": ambiguous,
		"no facts": ambiguous,
		"-rw-r--r--   1 root     other        531 Jan 29 03:26 f": ambiguous,
	} {
		e, err := parseFacts(line, testNow)
		if (err != nil) != (want == ambiguous) || err == nil && describeEntry(e) != want {
			t.Errorf("%q gives %q, %v; want %q", line, describeEntry(e), err, want)
		}
	}
}
