package connector

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/textproto"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/jlaffaye/ftp"
)

// maxListing bounds the listing of one folder, in bytes: about two million entries.
const maxListing = 256 << 20

// listing is the content of a folder.
type listing struct {
	self    *objects.FileInfo // the folder itself, if the server describes it
	entries []entry
	flaws   []error // what the server sent and nobody understands: something there is not backed up
}

// list reads the folder dir. Machine listings carry exact times, modes and owners; LIST, which every server has,
// carries times to the minute or the day, and no mode that is understood here.
func (c *conn) list(dir string) (*listing, error) {
	if c.client.IsTimePreciseInList() {
		return c.listFacts(dir)
	}
	return c.listLines(dir)
}

// listFacts reads dir with MLSD. The library drops the lines that it does not know, and every mode, owner and
// symbolic link, so the bytes are taken as they pass and read here.
func (c *conn) listFacts(dir string) (*listing, error) {
	var raw capture
	_, err := c.listRaw(&raw, dir)
	if err != nil {
		return nil, err
	}

	l := &listing{}
	now := time.Now()
	for line := range raw.lines() {
		e, err := parseFacts(line, now)
		if err == nil && (e.kind == typeSelf || e.kind == typeParent) {
			if e.kind == typeSelf {
				l.self = &e.info
			}
			continue
		}
		if err == nil {
			err = checkName(e.info.Lname)
		}
		if err != nil {
			l.flaws = append(l.flaws, fmt.Errorf("%q: %w", line, err))
			continue
		}
		l.entries = append(l.entries, e)
	}
	return l, nil
}

// lacksTargets reports whether the server marked symbolic links and kept to itself where they point, as MLSD of
// ProFTPD does.
func (l *listing) lacksTargets() bool {
	return slices.ContainsFunc(l.entries, entry.lacksTarget)
}

// takeTargets fills in where symbolic links point from another listing of the same folder.
func (l *listing) takeTargets(from *listing) {
	targets := make(map[string]string)
	for _, e := range from.entries {
		targets[e.info.Lname] = e.target
	}
	for i, e := range l.entries {
		if e.lacksTarget() {
			l.entries[i].target = targets[e.info.Lname]
		}
	}
}

// listLines reads dir with LIST, in the formats that the library knows. It changes into dir first, because servers take
// spaces and wildcards in LIST's argument for options and patterns, and asks for hidden files, which many leave out.
func (c *conn) listLines(dir string) (*listing, error) {
	if err := c.client.ChangeDir(dir); err != nil {
		return nil, err
	}
	var raw capture
	found, err := c.listRaw(&raw, "-a")
	// A server that has no option -a refuses it or looks for a file of that name; with it even an empty folder has
	// "." and "..".
	var refusal *textproto.Error
	if errors.As(err, &refusal) || err == nil && raw.isEmpty() {
		raw = capture{}
		found, err = c.listRaw(&raw, "")
	}
	if err != nil {
		return nil, err
	}

	l := &listing{}
	understood := len(found)
	for _, f := range found {
		e := newEntry(f)
		switch f.Name {
		case ".":
			l.self = &e.info
			continue
		case "..":
			continue
		}
		if err := checkName(f.Name); err != nil {
			l.flaws = append(l.flaws, fmt.Errorf("%q: %w", f.Name, err))
			continue
		}
		l.entries = append(l.entries, e)
	}

	lines := 0
	for line := range raw.lines() {
		if !strings.HasPrefix(line, "total ") { // ls counts blocks there
			lines++
		}
	}
	if understood < lines {
		l.flaws = append(l.flaws, fmt.Errorf("%d of %d lines of the listing are not understood", lines-understood, lines))
	}
	return l, nil
}

// listRaw has the library list and keeps the bytes that it reads. Errors of several lines become one.
func (c *conn) listRaw(raw *capture, argument string) ([]*ftp.Entry, error) {
	c.listing = raw
	defer func() { c.listing = nil }()
	found, err := c.client.List(argument)
	return found, firstError(err)
}

// newEntry takes over what the library made of a line of LIST.
func newEntry(f *ftp.Entry) entry {
	e := entry{
		kind:   typeFile,
		info:   objects.FileInfo{Lname: f.Name, Lsize: int64(f.Size), Lmode: 0o644, LmodTime: f.Time, Lnlink: 1},
		target: f.Target,
	}
	switch f.Type {
	case ftp.EntryTypeFolder:
		e.kind, e.info.Lmode, e.info.Lsize = typeFolder, fs.ModeDir|0o755, 0
	case ftp.EntryTypeLink:
		e.kind, e.info.Lmode, e.info.Lsize = typeLink, fs.ModeSymlink|0o777, 0
	}
	return e
}

// checkName refuses names that leave the folder, that no command can carry, or that a snapshot cannot hold.
func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsRune(name, '/'):
		return errors.New("not the name of an entry of this folder")
	case strings.ContainsAny(name, "\r\n\x00"):
		return errors.New("the name contains a line break or a NUL, which FTP cannot carry")
	case !utf8.ValidString(name):
		return errors.New("the name is not UTF-8")
	}
	return nil
}

// firstError unpacks the library's multi-line errors, whose first says what happened and whose others follow from it.
func firstError(err error) error {
	if several, ok := err.(interface{ WrappedErrors() []error }); ok && len(several.WrappedErrors()) > 0 {
		return several.WrappedErrors()[0]
	}
	return err
}

// capture keeps the bytes of a listing.
type capture struct{ bytes.Buffer }

func (b *capture) add(p []byte) error {
	if b.Len()+len(p) > maxListing {
		return fmt.Errorf("the listing is larger than %d bytes", maxListing)
	}
	b.Write(p)
	return nil
}

func (b *capture) isEmpty() bool { return len(bytes.TrimSpace(b.Bytes())) == 0 }

// lines yields every line that is not empty, without its end.
func (b *capture) lines() func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
			if line != "" && !yield(line) {
				return
			}
		}
	}
}
