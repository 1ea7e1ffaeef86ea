package connector

import (
	"regexp"
	"strings"
	"time"
)

// unixMode is how ls begins a line, with a mark for access lists and the like.
var unixMode = regexp.MustCompile(`^[-bcdlpsD]([-r][-w][-xsStTlL]){3}[+.@]?$`)

// unixKinds are what the first letter of a mode stands for.
var unixKinds = map[byte]string{
	'-': typeFile, 'd': typeFolder, 'l': typeLink,
	'b': "block device", 'c': "character device", 'p': "pipe", 's': "socket", 'D': "door",
}

// parseUnix reads lines of ls -l, which most servers imitate:
//
//	-rw-r--r--   1 root other     531 Jan 29 03:26 name
//	drwxr-xr-x   2 domain users   512 Apr  8  1994 name
//
// Between the mode and the size stand the number of links, the owner and the group, or fewer or more words: names may have
// blanks. So the size is looked for, which is the first number with a date behind it.
func parseUnix(line string, now time.Time) (entry, error) {
	words := splitWords(line)
	if len(words) < 4 || words[0].start != 0 || !unixMode.MatchString(words[0].text) {
		return entry{}, errOtherFormat
	}
	size, date, found := findSize(words, now)
	if !found || date.end+1 >= len(line) {
		return entry{}, errOtherFormat
	}
	name := line[date.end+1:]
	if words[0].text[0] == 'l' {
		return newLink(name, date.modified)
	}
	return newEntry(unixKinds[line[0]], name, size, date.modified), nil
}

// netWareMode is how Novell's servers begin a line: a letter, and the rights of the user in brackets.
var netWareMode = regexp.MustCompile(`^([-d]) ?\[[-A-Z]{6,10}\] `)

// parseNetWare reads Novell NetWare's lines:
//
//	d [R----F--] supervisor            512       Jan 16 18:53    name
func parseNetWare(line string, now time.Time) (entry, error) {
	mode := netWareMode.FindStringSubmatch(line)
	if mode == nil {
		return entry{}, errOtherFormat
	}
	size, date, found := findSize(splitWords(line), now)
	if !found {
		return entry{}, errOtherFormat
	}
	name := strings.TrimLeft(line[date.end:], " ")
	return newEntry(unixKinds[mode[1][0]], name, size, date.modified), nil
}

// word is a part of a line without blanks, and where it stands.
type word struct {
	text       string
	start, end int
}

// maxWords bounds how many words of a line are looked at: more than stand before any name.
const maxWords = 20

func splitWords(line string) []word {
	var words []word
	for at := 0; at < len(line) && len(words) < maxWords; {
		start := at + len(line[at:]) - len(strings.TrimLeft(line[at:], " \t"))
		if start == len(line) {
			break
		}
		length := strings.IndexAny(line[start:], " \t")
		if length < 0 {
			length = len(line) - start
		}
		words = append(words, word{line[start : start+length], start, start + length})
		at = start + length
	}
	return words
}

var (
	wholeSize = regexp.MustCompile(`^\d+$`)
	// vagueSize is rounded, as in "34.5k", or has run into a group that is too long, as in "longgroup123456".
	vagueSize = regexp.MustCompile(`^(\d+([.,]\d+)?[kKmMgGtT]i?[bB]?|\S*\D\d+)$`)
)

// findSize finds the first size with a date behind it. A vague size is 0.
func findSize(words []word, now time.Time) (int64, date, bool) {
	for i := 1; i < len(words)-1; i++ {
		isWhole := wholeSize.MatchString(words[i].text)
		if !isWhole && !vagueSize.MatchString(words[i].text) {
			continue
		}
		if date, found := parseDate(words[i+1:], now); found {
			if !isWhole {
				return 0, date, true
			}
			return parseSize(words[i].text), date, true
		}
	}
	return 0, date{}, false
}
