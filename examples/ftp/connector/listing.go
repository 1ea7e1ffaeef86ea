package connector

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/PlakarKorp/kloset/objects"
)

const (
	// maxListing bounds the listing of one folder, in bytes: about two million entries.
	maxListing = 256 << 20
	// maxQuoted bounds how much of a line an error quotes, in bytes.
	maxQuoted = 300
	// maxFlaws bounds how many lines an error quotes.
	maxFlaws = 50
)

// listing is the content of a folder.
type listing struct {
	self    *objects.FileInfo // the folder itself, if the server describes it
	entries []entry
	flaws   []error // what the server sent and nobody understands: something there is not backed up

	names map[string]bool // of entries
}

// add takes an entry over, unless a snapshot cannot hold it. line is where the server describes it.
func (l *listing) add(e entry, line string) {
	switch name := e.info.Lname; {
	case e.kind == typeSelf || name == "." && e.kind == typeFolder:
		l.self = &e.info
		return
	case e.kind == typeParent || name == ".." && e.kind == typeFolder:
		return
	case l.names[name]:
		l.addFlaw(line, errors.New("the server lists this name twice"))
		return
	}
	if err := checkName(e.info.Lname); err != nil {
		l.addFlaw(line, err)
		return
	}
	if l.names == nil {
		l.names = make(map[string]bool)
	}
	l.names[e.info.Lname] = true
	l.entries = append(l.entries, e)
}

// addFlaw tells of a line that gives no entry.
func (l *listing) addFlaw(line string, err error) {
	if len(line) > maxQuoted {
		line = line[:maxQuoted] + "..."
	}
	l.flaws = append(l.flaws, fmt.Errorf("line %q: %w", line, err))
}

// flawed is one error for all flaws, since a snapshot holds one for each path.
func (l *listing) flawed() error {
	var texts []string
	for _, flaw := range l.flaws[:min(len(l.flaws), maxFlaws)] {
		texts = append(texts, flaw.Error())
	}
	if more := len(l.flaws) - maxFlaws; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d lines more", more))
	}
	return errors.New(strings.Join(texts, "; "))
}

// list reads the folder dir. Machine listings carry exact times, modes and owners; LIST, which every server has, carries
// times to the minute or the day, and no mode that is understood here.
func (c *conn) list(dir string) (*listing, error) {
	if c.lists == mlsd && c.client.IsTimePreciseInList() {
		raw, err := c.listRaw(dir)
		if err != nil {
			return c.unlessEmpty(dir, err)
		}
		return parseMachineLines(raw.lines(), time.Now()), nil
	}
	return c.listLines(dir)
}

func parseMachineLines(lines iter.Seq[string], now time.Time) *listing {
	l := &listing{}
	for line := range lines {
		if e, err := parseFacts(line, now); err != nil {
			l.addFlaw(line, err)
		} else {
			l.add(e, line)
		}
	}
	return l
}

// lacksTargets reports whether the server marked symbolic links and kept to itself where they point, as MLSD of
// ProFTPD does.
func (l *listing) lacksTargets() bool {
	return slices.ContainsFunc(l.entries, entry.lacksTarget)
}

// takeTargets fills in where symbolic links point from the lines of LIST for the same folder. A line in which the arrow
// stands several times is read by the names that are known here; what still has two meanings is left out.
func (l *listing) takeTargets(lines iter.Seq[string], now time.Time) {
	lacking := make(map[string]bool)
	for _, e := range l.entries {
		if e.lacksTarget() {
			lacking[e.info.Lname] = true
		}
	}
	targets := make(map[string][]string) // all that may be meant, by name
	doubtful := make(map[string]bool)
	for line := range lines {
		e, err := parseLine(line, now)
		if text, isLink := ambiguousLink(err); isLink {
			var names []string
			for name, target := range splitsOfLink(text) {
				if lacking[name] {
					names = append(names, name)
					targets[name] = append(targets[name], target)
				}
			}
			for _, name := range names {
				doubtful[name] = doubtful[name] || len(names) > 1
			}
		} else if err == nil && e.target != "" {
			targets[e.info.Lname] = append(targets[e.info.Lname], e.target)
		}
	}
	for i, e := range l.entries {
		if found := targets[e.info.Lname]; e.lacksTarget() && len(found) == 1 && !doubtful[e.info.Lname] {
			l.entries[i].target = found[0]
		}
	}
}

// listLines reads dir with LIST.
func (c *conn) listLines(dir string) (*listing, error) {
	raw, err := c.listText(dir)
	if err != nil {
		return c.unlessEmpty(dir, err)
	}
	return parseLines(raw.lines(), time.Now()), nil
}

// listText reads dir with LIST. It changes into dir first, because servers take spaces and wildcards in LIST's argument
// for options and patterns, and asks for hidden files, which many leave out.
func (c *conn) listText(dir string) (*capture, error) {
	if err := c.client.ChangeDir(dir); err != nil {
		return nil, err
	}
	raw, err := c.listRaw("-a")
	// A server that has no option -a refuses it or looks for a file of that name; with it even an empty folder has
	// "." and "..".
	if isRefusal(err) && !isRetried(err) || err == nil && raw.isEmpty() {
		raw, err = c.listRaw("")
	}
	if err == nil && raw.isEmpty() && unreadAfterAll.MatchString(c.replies.text) {
		return nil, fmt.Errorf("%d %q", c.replies.code, c.replies.text)
	}
	return raw, err
}

// listRaw has the library list and keeps the bytes that come. Errors of several lines become one.
func (c *conn) listRaw(argument string) (*capture, error) {
	raw := &capture{}
	c.listing = raw
	defer func() { c.listing = nil }()
	_, err := c.client.List(argument)
	return raw, firstError(err)
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

// firstError unpacks the library's joined errors, whose first says what happened and whose others follow from it.
func firstError(err error) error {
	if several, ok := err.(interface{ Unwrap() []error }); ok && len(several.Unwrap()) > 0 {
		return several.Unwrap()[0]
	}
	return err
}

// capture keeps the bytes of a listing.
type capture struct{ data bytes.Buffer }

func (b *capture) Write(p []byte) (int, error) {
	if b.data.Len()+len(p) > maxListing {
		return 0, fmt.Errorf("the listing is larger than %d bytes", maxListing)
	}
	return b.data.Write(p)
}

func (b *capture) isEmpty() bool { return len(bytes.TrimSpace(b.data.Bytes())) == 0 }

// lines yields every line that is not blank, without its end.
func (b *capture) lines() iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(b.data.String()) {
			line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
			if strings.TrimSpace(line) != "" && !yield(line) {
				return
			}
		}
	}
}
