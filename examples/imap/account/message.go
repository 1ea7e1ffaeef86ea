package account

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

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

// MaxName bounds the name of a file or a folder, in bytes. File systems take no more.
const MaxName = 255

// elsewhere stands in a name for keywords that it has no place for.
const elsewhere = "%"

// FileName is VALIDITY-UID[,LETTERS[,KEYWORD]...].eml: numbers of ten digits, so that names sort as messages arrived,
// the letters DFRST for \Draft, \Flagged, \Answered, \Seen and \Deleted, and keywords sorted and percent-encoded. Where
// that is longer than MaxName, a percent sign stands for all keywords, which KeywordsFile holds.
// Flags are in the name because a restore brings back names, and not extended attributes.
func (m Message) FileName() string {
	var system []byte
	for _, known := range letters {
		isKnown := func(flag imap.Flag) bool { return strings.EqualFold(string(flag), string(known.flag)) }
		if slices.ContainsFunc(m.Flags, isKnown) {
			system = append(system, known.letter)
		}
	}
	keywords := m.keywords()
	if len(system)+len(keywords) == 0 {
		return m.identity() + MessageSuffix
	}
	start := m.identity() + "," + string(system)
	name := strings.Join(append([]string{start}, keywords...), ",") + MessageSuffix
	if len(name) > MaxName {
		name = start + "," + elsewhere + MessageSuffix
	}
	return name
}

// keywordsSuffix ends the names of files of keywords. It sorts before all that may follow the same identity, so that
// whoever reads a folder in order knows the keywords when the message comes.
const keywordsSuffix = "+keywords"

// KeywordsFile is the file that goes with a message whose name has no place for its keywords: one keyword on a line,
// percent-encoded as in names. It has no name if the message needs none.
func (m Message) KeywordsFile() (name, content string) {
	if !LacksKeywords(m.FileName()) {
		return "", ""
	}
	return m.identity() + keywordsSuffix, strings.Join(m.keywords(), "\n") + "\n"
}

func (m Message) identity() string { return fmt.Sprintf("%010d-%010d", m.Validity, m.UID) }

func (m Message) keywords() []string {
	mustEscape := func(r rune) bool { return strings.ContainsRune("/,%", r) || unicode.IsControl(r) }
	var keywords []string
	for _, flag := range m.Flags {
		if flag != "" && !strings.HasPrefix(string(flag), `\`) {
			keywords = append(keywords, escape(string(flag), mustEscape))
		}
	}
	slices.Sort(keywords)
	return slices.Compact(keywords)
}

// LacksKeywords reports whether the name of a message's file has no place for its keywords.
func LacksKeywords(file string) bool {
	name, isMessage := strings.CutSuffix(path.Base(file), MessageSuffix)
	return isMessage && identity.MatchString(name) && strings.HasSuffix(name, ","+elsewhere)
}

// MessageOf is what the path of a message's file and of the file with its keywords begin with alike. It reports whether
// file is one of keywords.
func MessageOf(file string) (message string, isKeywords bool) {
	name, isKeywords := strings.CutSuffix(file, keywordsSuffix)
	if isKeywords && identity.MatchString(path.Base(name)+",") {
		return name, true
	}
	name, _, _ = strings.Cut(path.Base(file), ",")
	return path.Join(path.Dir(file), name), false
}

// ParseKeywords reads the content of a file of keywords.
func ParseKeywords(content string) []imap.Flag {
	return possibleKeywords(strings.Fields(content))
}

// identity is how the names begin that FileName gives.
var identity = regexp.MustCompile(`^[0-9]{10}-[0-9]{10},`)

// FlagsOf reads the flags back from the name of a message's file. A name that FileName did not give has none, whatever
// commas are in it. Keywords that no server can be told of, because the grammar does not have them, are left out.
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
	return append(flags, possibleKeywords(parts[1:])...), nil
}

// possibleKeywords reads keywords as keywords() gives them, each once.
func possibleKeywords(escaped []string) []imap.Flag {
	var flags []imap.Flag
	for _, word := range escaped {
		if keyword, err := unescape(word); err == nil && isKeyword(keyword) && !slices.Contains(flags, imap.Flag(keyword)) {
			flags = append(flags, imap.Flag(keyword))
		}
	}
	return flags
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
