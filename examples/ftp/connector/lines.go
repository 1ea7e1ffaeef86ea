package connector

import (
	"errors"
	"io/fs"
	"iter"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/objects"
)

// No standard says how LIST describes an entry: each server has its own format. Those that are read here are the formats
// of FileZilla's parser that servers still speak; tests hold a line of each.
var lineFormats = []func(line string, now time.Time) (entry, error){
	parseEPLF,
	parseMachineLine,
	parseUnix,
	parseNetWare,
	parseDOS,
	parseOS400,
	parseVMS,
}

// errOtherFormat is the answer of a format to a line of another.
var errOtherFormat = errors.New("this is not understood")

// headers are lines that describe no entry: the blocks that ls counts, and what VMS writes around its lists.
var headers = regexp.MustCompile(`^(?i:total|totale|totaal|gesamt|insgesamt|итого|总用量|合計)\s+[\d.,]+\s?[KMGT]?i?B?$|` +
	`^Directory \S*\[.*\]$|^(Grand )?[Tt]otal of \d+ (files?|director)`)

// parseLines reads what LIST gives. Each line that gives no entry is a flaw that quotes it. What a line does not tell,
// or tells in two ways, gets a default: now as the time, and 0 as the size, which a backup corrects.
func parseLines(lines iter.Seq[string], now time.Time) *listing {
	l := &listing{}
	name := "" // of an entry of VMS whose rest follows on a line of its own
	for line := range lines {
		if name != "" {
			e, err := parseVMS(name+" "+strings.TrimSpace(line), now)
			if err == nil {
				l.add(e, name)
			} else {
				l.addFlaw(name, err)
			}
			name = ""
			if err == nil {
				continue
			}
		}
		switch {
		case headers.MatchString(line):
		case vmsName.MatchString(line):
			name = strings.TrimSpace(line)
		default:
			if e, err := parseLine(line, now); err != nil {
				l.addFlaw(line, err)
			} else {
				l.add(e, line)
			}
		}
	}
	if name != "" {
		l.addFlaw(name, errOtherFormat)
	}
	return l
}

// parseLine reads a line in the first format that it has.
func parseLine(line string, now time.Time) (entry, error) {
	for _, parse := range lineFormats {
		if e, err := parse(line, now); !errors.Is(err, errOtherFormat) {
			return e, err
		}
	}
	return entry{}, errOtherFormat
}

// machineLine is a line that could be of MLSD. A few servers answer LIST with such.
var machineLine = regexp.MustCompile(`^(?i:[a-z][-a-z0-9.]*=[^; ]*;)+ `)

func parseMachineLine(line string, now time.Time) (entry, error) {
	if !machineLine.MatchString(line) {
		return entry{}, errOtherFormat
	}
	return parseFacts(line, now)
}

// newEntry is an entry of which LIST told this much.
func newEntry(kind, name string, size int64, modified time.Time) entry {
	e := entry{kind: kind, info: objects.FileInfo{Lname: name, Lsize: size, Lmode: 0o644, LmodTime: modified, Lnlink: 1}}
	switch kind {
	case typeFolder:
		e.info.Lmode, e.info.Lsize = fs.ModeDir|0o755, 0
	case typeLink:
		e.info.Lmode, e.info.Lsize = fs.ModeSymlink|0o777, 0
	}
	return e
}

// parseSize is 0 for a size that is not a number that fits.
func parseSize(text string) int64 {
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil || size < 0 {
		return 0
	}
	return size
}

// arrow stands between the name and the target of a symbolic link.
const arrow = " -> "

// ambiguousLinkError is for a line in which the arrow stands several times: any of them may belong to the name or the
// target.
type ambiguousLinkError struct{ text string }

func (e *ambiguousLinkError) Error() string {
	return "it has several arrows: nobody can tell the name of this symbolic link from its target"
}

func ambiguousLink(err error) (text string, ok bool) {
	var ambiguous *ambiguousLinkError
	if !errors.As(err, &ambiguous) {
		return "", false
	}
	return ambiguous.text, true
}

// splitsOfLink yields every name and target that text may stand for.
func splitsOfLink(text string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range len(text) {
			if strings.HasPrefix(text[i:], arrow) && !yield(text[:i], text[i+len(arrow):]) {
				return
			}
		}
	}
}

// newLink is a symbolic link of which LIST gives "name -> target".
func newLink(text string, modified time.Time) (entry, error) {
	found := 0
	e := newEntry(typeLink, text, 0, modified)
	for name, target := range splitsOfLink(text) {
		e.info.Lname, e.target = name, target
		found++
	}
	if found > 1 {
		return entry{}, &ambiguousLinkError{text}
	}
	return e, nil
}
