package account

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
)

// ErrTooMuch is a server whose message goes on after the end that it announced, or is another.
var ErrTooMuch = errors.New("the server sent another message than it announced")

// Description is what a server tells of a message.
type Description struct {
	UID   imap.UID
	Flags []imap.Flag
	Date  time.Time // zero if the server names none that can be read
	Size  int64     // 0 if it names none
}

// ListedMailbox is what a server tells of a mailbox.
type ListedMailbox struct {
	Name       string
	Delimiter  rune // 0 if names have no levels
	Selectable bool // it can hold messages
}

// answers is a connection that reads what the server says before the IMAP library does. The library gives a connection
// up at the first answer that is not as the standard has it, and many servers have one. So lists of mailboxes and
// descriptions of messages are read here, as far as they can be, and kept for Conn. The library gets the rest, written
// as it should be; what neither needs is left out.
type answers struct {
	net.Conn
	scan scanner

	// Of the goroutine that reads.
	out     bytes.Buffer
	content int64    // bytes of a message that come after out
	within  bool     // in a message, until the line after it has ended
	uid     imap.UID // of that message
	greeted bool

	mu        sync.Mutex
	asked     imap.UID // the message that was asked for, if it is one
	mailboxes []ListedMailbox
	described map[imap.UID]Description
	bye       *imap.Error // why the server hung up
	tooMuch   bool        // why the connection is given up: ErrTooMuch
}

func newAnswers(c net.Conn) *answers {
	return &answers{Conn: c, scan: scanner{r: bufio.NewReader(c)}, described: make(map[imap.UID]Description)}
}

// ask notes which messages are asked for next.
func (a *answers) ask(uids ...imap.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = 0
	if len(uids) == 1 {
		a.asked = uids[0]
	}
}

func (a *answers) Read(p []byte) (int, error) {
	for a.out.Len() == 0 {
		if a.content > 0 {
			n, err := a.scan.r.Read(p[:min(int64(len(p)), a.content)])
			a.content -= int64(n)
			return n, err
		}
		if err := a.answer(); err != nil {
			return 0, err
		}
	}
	return a.out.Read(p)
}

// answer reads an answer of the server, up to the content of a message.
func (a *answers) answer() error {
	s := &a.scan
	if a.within {
		a.within = false
		a.afterContent()
		return s.err
	}
	s.blanks()
	switch s.peek() {
	case '*':
		s.next()
		a.untagged()
	case '+':
		s.end()
		a.say("+ go on")
	case 'T':
		a.tagged()
	default:
		s.skip()
	}
	return s.err
}

func (a *answers) say(format string, args ...any) {
	fmt.Fprintf(&a.out, format+"\r\n", args...)
}

// ours are the tags that the library gives.
var ours = regexp.MustCompile(`^T[0-9]+$`)

func (a *answers) tagged() {
	s := &a.scan
	tag := s.word("[")
	if !ours.MatchString(tag) {
		s.skip()
		return
	}
	s.blanks()
	status := strings.ToUpper(s.word("["))
	code, args, text := a.status()
	switch status {
	case "OK":
		a.tell(code, args)
		if code == "CAPABILITY" {
			a.say("%s OK [CAPABILITY%s] %s", tag, capabilities(args), text)
			return
		}
		code = ""
	case "NO", "BAD":
	case "BYE":
		a.keepBye(code, text)
		status = "NO"
	default:
		status, text = "BAD", strings.TrimSpace(status+" "+text)
	}
	if code == "CAPABILITY" || code == "APPENDUID" || code == "COPYUID" { // not without what belongs to them
		code = ""
	}
	if code != "" {
		code = "[" + code + "] "
	}
	a.say("%s %s %s%s", tag, status, code, text)
}

// status takes what follows OK, NO, BAD or BYE, to the end of the line. There is always a text.
func (a *answers) status() (code string, args []string, text string) {
	s := &a.scan
	s.blanks()
	text = s.text()
	s.end()
	if inside, found := strings.CutPrefix(text, "["); found {
		inside, after, _ := strings.Cut(inside, "]")
		if words := strings.Fields(inside); len(words) > 0 && isKeyword(words[0]) {
			code, args = strings.ToUpper(words[0]), words[1:]
		}
		text = strings.TrimSpace(after)
	}
	text = strings.TrimLeft(text, "[")
	if text == "" {
		text = strings.ToLower(code) + "."
	}
	return code, args, text
}

func (a *answers) untagged() {
	s := &a.scan
	s.blanks()
	kind := strings.ToUpper(s.word("[("))
	number, err := strconv.ParseUint(kind, 10, 32)
	if err == nil {
		s.blanks()
		kind = strings.ToUpper(s.word("("))
	}
	switch kind {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		code, args, text := a.status()
		if !a.greeted {
			a.greet(kind, code, args, text)
			return
		}
		if kind == "BYE" {
			a.keepBye(code, text)
		}
		a.tell(code, args)
		if code == "CAPABILITY" {
			a.say("* CAPABILITY%s", capabilities(args))
		}
		return
	case "CAPABILITY":
		a.say("* CAPABILITY%s", capabilities(strings.Fields(s.text())))
	case "EXISTS":
		a.say("* %d EXISTS", number)
	case "SEARCH":
		a.search()
	case "LIST":
		a.list()
	case "FETCH":
		if a.fetch(number) {
			return
		}
	}
	s.skip()
}

func (a *answers) greet(kind, code string, args []string, text string) {
	a.greeted = true
	switch {
	case kind == "BYE":
		a.keepBye(code, text)
		if code != "" {
			text = "[" + code + "] " + text
		}
	case code == "CAPABILITY":
		text = "[CAPABILITY" + capabilities(args) + "] " + text
	}
	a.say("* %s %s", kind, text)
}

// tell passes on the one code that matters.
func (a *answers) tell(code string, args []string) {
	if code != "UIDVALIDITY" || len(args) == 0 {
		return
	}
	// Some have 64 bits: all that matters is that it stays the same.
	if validity, err := strconv.ParseUint(args[0], 10, 64); err == nil {
		a.say("* OK [UIDVALIDITY %d] ok", uint32(validity))
	}
}

func (a *answers) keepBye(code, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.bye == nil {
		a.bye = &imap.Error{Type: imap.StatusResponseTypeBye, Code: imap.ResponseCode(code), Text: text}
	}
}

func capabilities(words []string) string {
	var b strings.Builder
	for _, word := range words {
		if isKeyword(word) {
			b.WriteString(" " + word)
		}
	}
	return b.String()
}

func (a *answers) search() {
	a.out.WriteString("* SEARCH")
	s := &a.scan
	for s.blanks(); s.peek() != '\n'; s.blanks() {
		if s.peek() == '(' {
			s.list()
			continue
		}
		word := s.word("(")
		if uid, err := strconv.ParseUint(word, 10, 32); err == nil && uid > 0 {
			fmt.Fprintf(&a.out, " %d", uid)
		}
	}
	a.say("")
}

func (a *answers) list() {
	s := &a.scan
	found := ListedMailbox{Selectable: true}
	if s.blanks(); s.peek() == '(' {
		for _, attribute := range s.list() {
			attribute = strings.TrimPrefix(attribute, `\`)
			if strings.EqualFold(attribute, "Noselect") || strings.EqualFold(attribute, "NonExistent") {
				found.Selectable = false
			}
		}
	}
	found.Delimiter = a.delimiter()
	s.blanks()
	var name string
	if size, isLiteral := s.literal(); isLiteral {
		name = s.buffered(size)
	} else {
		name = listedName(s.text(), found.Delimiter)
	}
	found.Name = decodeName(strings.ReplaceAll(name, "\x00", ""))
	if strings.EqualFold(found.Name, "INBOX") {
		found.Name = "INBOX"
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mailboxes = append(a.mailboxes, found)
}

// delimiter takes a character in quotes or without, or NIL. A backslash may be escaped or not.
func (a *answers) delimiter() rune {
	s := &a.scan
	s.blanks()
	text := s.word("")
	if strings.EqualFold(text, "NIL") {
		return 0
	}
	r, size := utf8.DecodeRuneInString(strings.TrimPrefix(text, `"`))
	if size == 0 || r == '"' {
		return 0
	}
	return r
}

// listedName is the name of a mailbox in the rest of an answer, in quotes or without. Some servers put blanks, quotes
// and backslashes into it as they are.
func listedName(text string, delimiter rune) string {
	if !strings.HasPrefix(text, `"`) {
		name, _, _ := strings.Cut(text, ` ("`) // what else the server knows of it
		return strings.TrimSpace(name)
	}
	text = text[1:]
	if delimiter == '\\' && !strings.Contains(text, `\\`) {
		text = strings.ReplaceAll(text, `\`, `\\`)
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '"' {
			after := strings.TrimSpace(text[i+1:])
			if last := strings.LastIndexByte(text, '"'); after != "" && after[0] != '(' && last > i {
				return text[:last]
			}
			break
		}
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// contentName is any of the names of a message's content; some servers repeat the question's PEEK.
var contentName = regexp.MustCompile(`^(BODY(\.PEEK)?\[\](<[0-9]+>)?|RFC822(\.PEEK)?)$`)

// fetch reads what a server tells of a message. It reports whether it has left the line, for the message's content.
func (a *answers) fetch(sequence uint64) bool {
	s := &a.scan
	var d Description
	var hasFlags, isAnswer bool
	if s.blanks(); s.peek() == '(' {
		s.next()
	}
	for s.blanks(); s.peek() != '\n' && s.peek() != ')'; s.blanks() {
		if size, found := s.literal(); found {
			s.discard(size)
			continue
		}
		switch s.peek() {
		case '(', '"': // the value of something that nobody asked for
			s.value()
			continue
		}
		switch name := s.item(); {
		case name == "UID":
			text, _ := s.value()
			if uid, err := strconv.ParseUint(text, 10, 32); err == nil {
				d.UID = imap.UID(uid)
			}
		case name == "FLAGS":
			_, words := s.value()
			hasFlags = true
			for _, word := range words {
				d.Flags = append(d.Flags, imap.Flag(word))
			}
		case name == "INTERNALDATE":
			text, _ := s.value()
			d.Date, isAnswer = parseDate(text), true
		case name == "RFC822.SIZE":
			text, _ := s.value()
			if size, err := strconv.ParseInt(text, 10, 64); err == nil && size >= 0 {
				d.Size, isAnswer = size, true
			}
		case contentName.MatchString(name):
			return a.startContent(sequence, d.UID, strings.Contains(name, "<"))
		}
	}
	a.keep(d, hasFlags, isAnswer)
	return false
}

// keep adds to what is known of a message. An answer that does not say of which belongs to the one that was asked for,
// unless it tells of flags alone: then another session may have changed them, on any message.
func (a *answers) keep(d Description, hasFlags, isAnswer bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if d.UID == 0 && isAnswer {
		d.UID = a.asked
	}
	if d.UID == 0 {
		return
	}
	known := a.described[d.UID]
	known.UID = d.UID
	if hasFlags {
		known.Flags = d.Flags
	}
	if !d.Date.IsZero() {
		known.Date = d.Date
	}
	if d.Size != 0 {
		known.Size = d.Size
	}
	a.described[d.UID] = known
}

// startContent announces the content of a message to the library.
func (a *answers) startContent(sequence uint64, uid imap.UID, isPart bool) bool {
	s := &a.scan
	a.mu.Lock()
	if uid == 0 {
		uid = a.asked
	}
	a.mu.Unlock()
	section := "BODY[]"
	if isPart {
		section = "BODY[]<0>" // of no meaning to us: the connection asked for one part
	}
	announce := func(size int64) {
		fmt.Fprintf(&a.out, "* %d FETCH (UID %d %s {%d}\r\n", sequence, uid, section, size)
	}
	s.blanks()
	if size, found := s.literal(); found {
		announce(size)
		a.content, a.within, a.uid = size, true, uid
		return true
	}
	if s.peek() == '"' {
		content := s.quoted()
		announce(int64(len(content)))
		a.say("%s)", content)
		return false
	}
	a.say("* %d FETCH (UID %d %s NIL)", sequence, uid, section)
	return false
}

// beside are the items that may come with a message's content.
var beside = regexp.MustCompile(
	`^(UID|FLAGS|INTERNALDATE|RFC822.*|MODSEQ|EMAILID|THREADID|SAVEDATE|ENVELOPE|BODY.*|BINARY.*|X-.*)$`)

// afterContent reads the line that goes on after the content of a message.
func (a *answers) afterContent() {
	s := &a.scan
	for s.blanks(); s.err == nil && s.peek() != '\n' && s.peek() != ')'; s.blanks() {
		name := s.item()
		text, _ := s.value()
		uid, err := strconv.ParseUint(text, 10, 32)
		if !beside.MatchString(name) || name == "UID" && (err != nil || imap.UID(uid) != a.uid) {
			s.err = ErrTooMuch
			a.mu.Lock()
			a.tooMuch = true
			a.mu.Unlock()
		}
	}
	s.skip()
	if s.err == nil {
		a.say(")")
	}
}
