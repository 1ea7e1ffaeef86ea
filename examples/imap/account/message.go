package account

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// letters are the system flags and the letters that stand for them in file names, those of Maildir. \Recent has none:
// it says something of a session and cannot be stored.
var letters = []struct {
	flag   imap.Flag
	letter byte
}{
	{imap.FlagDraft, 'D'},
	{imap.FlagFlagged, 'F'},
	{imap.FlagAnswered, 'R'},
	{imap.FlagSeen, 'S'},
	{imap.FlagDeleted, 'T'},
}

// Message identifies a message in its mailbox for ever: if the server gives out the same UID again, it changes the
// validity (RFC 9051, section 2.3.1.1).
type Message struct {
	Validity uint32
	UID      imap.UID
	Flags    []imap.Flag
}

// FileName is VALIDITY-UID[,LETTERS[,KEYWORD]...].eml: numbers of ten digits, so that names sort as messages arrived,
// the letters DFRST for \Draft, \Flagged, \Answered, \Seen and \Deleted, and keywords sorted and percent-encoded.
// Flags are in the name because a restore brings back names, and not extended attributes.
func (m Message) FileName() string {
	var system []byte
	var keywords []string
	for _, known := range letters {
		isKnown := func(flag imap.Flag) bool { return strings.EqualFold(string(flag), string(known.flag)) }
		if slices.ContainsFunc(m.Flags, isKnown) {
			system = append(system, known.letter)
		}
	}
	mustEscape := func(r rune) bool { return strings.ContainsRune("/,%", r) }
	for _, flag := range m.Flags {
		if !strings.HasPrefix(string(flag), `\`) {
			keywords = append(keywords, escape(string(flag), mustEscape))
		}
	}
	slices.Sort(keywords)

	name := fmt.Sprintf("%010d-%010d", m.Validity, m.UID)
	if len(system)+len(keywords) > 0 {
		name += "," + string(system)
	}
	for _, keyword := range keywords {
		name += "," + keyword
	}
	return name + MessageSuffix
}

// identity is how the names begin that FileName gives.
var identity = regexp.MustCompile(`^[0-9]{10}-[0-9]{10},`)

// FlagsOf reads the flags back from the name of a message's file. A name that FileName did not give has none, whatever
// commas are in it.
func FlagsOf(file string) ([]imap.Flag, error) {
	name, isMessage := strings.CutSuffix(path.Base(file), MessageSuffix)
	if !isMessage {
		return nil, fmt.Errorf("not a message: the name does not end in %s", MessageSuffix)
	}
	if !identity.MatchString(name) {
		return nil, nil
	}
	parts := strings.Split(name, ",")[1:]
	var flags []imap.Flag
	for _, known := range letters {
		if strings.IndexByte(parts[0], known.letter) >= 0 {
			flags = append(flags, known.flag)
		}
	}
	for _, part := range parts[1:] {
		keyword, err := unescape(part)
		if err != nil || !isKeyword(keyword) {
			return nil, fmt.Errorf("%q in the file's name is not a keyword", part)
		}
		flags = append(flags, imap.Flag(keyword))
	}
	return flags, nil
}

// isKeyword accepts what the grammar calls an atom (RFC 9051, section 9).
func isKeyword(s string) bool {
	for _, r := range s {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`(){%*"\]`, r) {
			return false
		}
	}
	return s != ""
}
