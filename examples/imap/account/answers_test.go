package account

import (
	"io"
	"maps"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
)

// said is a connection on which a server has said all that it will.
type said struct {
	net.Conn
	io.Reader
}

func (s said) Read(p []byte) (int, error) { return s.Reader.Read(p) }

// hear reads what a server says, in lines of LF, through answers. sane is what the library gets.
func hear(t *testing.T, text string) (a *answers, sane string) {
	t.Helper()
	a = newAnswers(said{Reader: strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n"))})
	a.greeted = true
	got, err := io.ReadAll(a)
	if err != nil {
		t.Errorf("%q: %v", text, err)
	}
	return a, strings.ReplaceAll(string(got), "\r\n", "\n")
}

func TestAnswersForTheLibrary(t *testing.T) {
	for _, test := range []struct{ said, sane string }{
		{"* OK [UIDVALIDITY 7] ok\n", "* OK [UIDVALIDITY 7] ok\n"},
		{"* ok [uidvalidity 7]\n", "* OK [UIDVALIDITY 7] ok\n"},
		{"* OK [UIDVALIDITY 4294967299] of 64 bits\n", "* OK [UIDVALIDITY 3] ok\n"},
		{"*  3  EXISTS \n* 0 RECENT\n", "* 3 EXISTS\n"},
		{"* FLAGS (\\Answered \\\x00 \x00)\n* OK [PERMANENTFLAGS (\\* a]b)] \x00\n", ""},
		{"* OK [UIDVALIDITY 1\x00] \x00\n", "* OK [UIDVALIDITY 1] ok\n"},
		{"* search 1  2 \x003 (MODSEQ 5) x 0 99999999999 \n", "* SEARCH 1 2 3\n"},
		{"* VANISHED 1:3\n* X-NEWS {5}\nab\ncd\n* 2 EXPUNGE\n\n* OK [ALERT] news {3}\n", ""},
		{"* CAPABILITY IMAP4rev1  AUTH=\"X\" IDLE\n", "* CAPABILITY IMAP4rev1 IDLE\n"},
		{"T1 OK\n", "T1 OK .\n"},
		{"T1 ok [READ-ONLY] done {3}\n", "T1 OK done {3}\n"},
		{"T1 OK [CAPABILITY IMAP4rev1 X]Y] in\n", "T1 OK [CAPABILITY IMAP4rev1 X] Y] in\n"},
		{"T1 OK [APPENDUID 1 2] stored\n", "T1 OK stored\n"},
		{"T1 OK [UIDVALIDITY 5] opened\n", "* OK [UIDVALIDITY 5] ok\nT1 OK opened\n"},
		{"T1 NO [trycreate] none\n", "T1 NO [TRYCREATE] none\n"},
		{"T1 BYE too many\n", "T1 NO too many\n"},
		{"T1 WHAT is it\n", "T1 BAD WHAT is it\n"},
		{"X1 OK not ours\n", ""},
		{"+\n", "+ go on\n"},
		{"* 2 FETCH (UID 5 BODY[] {3}\nabc)\n", "* 2 FETCH (UID 5 BODY[] {3}\nabc)\n"},
		{"* 2 fetch ( uid 5 flags (\\Seen) body[] ~{3}\nabc FLAGS () UID 5 )\n", "* 2 FETCH (UID 5 BODY[] {3}\nabc)\n"},
		{"* 2 FETCH (UID 5 BODY.PEEK[]<3> \"a\\\"c\")\n", "* 2 FETCH (UID 5 BODY[]<0> {3}\na\"c)\n"},
		{"* 2 FETCH (UID 5 RFC822 {0}\n)\n", "* 2 FETCH (UID 5 BODY[] {0}\n)\n"},
		{"* 2 FETCH (UID 5 BODY[] NIL)\n", "* 2 FETCH (UID 5 BODY[] NIL)\n"},
		{"* 2 FETCH (UID 5 BODY[HEADER.FIELDS (A)] {1}\na BODY[] {2}\nbc)\n", "* 2 FETCH (UID 5 BODY[] {2}\nbc)\n"},
	} {
		if _, sane := hear(t, test.said); sane != test.sane {
			t.Errorf("%q: got %q, want %q", test.said, sane, test.sane)
		}
	}

	a := newAnswers(said{Reader: strings.NewReader("* 2 FETCH (UID 5 BODY[] {3}\r\nabcdef ghi\r\n)\r\n")})
	if got, err := io.ReadAll(a); err != ErrTooMuch {
		t.Errorf("a message that is longer than announced: got %q, %v", got, err)
	}
	a = newAnswers(said{Reader: strings.NewReader("* 2 FETCH (BODY[] {3}\r\nabc UID 6)\r\n")})
	a.ask(5)
	if got, err := io.ReadAll(a); err != ErrTooMuch {
		t.Errorf("another message: got %q, %v", got, err)
	}
}

func TestDescriptions(t *testing.T) {
	date := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	full := Description{UID: 5, Flags: []imap.Flag{`\Seen`}, Date: date, Size: 9}
	with := func(change func(*Description)) Description {
		d := full
		change(&d)
		return d
	}
	for _, test := range []struct {
		said string
		want Description
	}{
		{`(UID 5 FLAGS (\Seen) INTERNALDATE " 2-Jan-2024 03:04:05 +0000" RFC822.SIZE 9)`, full},
		{`( uid 5  flags ( \Seen )  internaldate  "2-jan-2024 03:04:05 +0000"  rfc822.size 9 )  `, full},
		{`(UID 5 MODSEQ (8) X-GM-LABELS ("a (b" {2}` + "\n" + `c) \d) FLAGS (\Seen) INTERNALDATE "02-Jan-2024 03:04:05 +0000"` +
			` BODY[HEADER] {3}` + "\nUID" + ` ENVELOPE NIL RFC822.SIZE 9)`, full},
		{`(UID 5 FLAGS (\Seen) INTERNALDATE {26}` + "\n" + `02-Jan-2024 03:04:05 +0000 RFC822.SIZE "9")`, full},
		{`(UID 5 FLAGS (\Seen) INTERNALDATE "Tue, 02 Jan 2024 03:04:05 +0000" RFC822.SIZE 9`, full},
		{`UID 5 FLAGS (\Seen) INTERNALDATE "02-Jan-2024 03:04:05 +0000" RFC822.SIZE 9`, full},
		{`(FLAGS (\Seen) INTERNALDATE "02-Jan-2024 03:04:05 +0000" RFC822.SIZE 9)`, full}, // asked for 5
		{`(UID 5 FLAGS (\Seen) RFC822.SIZE 9)`, with(func(d *Description) { d.Date = time.Time{} })},
		{`(UID 5 FLAGS (\Seen) INTERNALDATE NIL RFC822.SIZE 9)`, with(func(d *Description) { d.Date = time.Time{} })},
		{`(UID 5 FLAGS (\Seen) INTERNALDATE Tue, 2 Jan 2024 RFC822.SIZE 9)`, with(func(d *Description) { d.Date = time.Time{} })},
		{`(UID 5 FLAGS (\Seen) INTERNALDATE "00-Jan-1900 00:00:00 +0000" RFC822.SIZE 9)`,
			with(func(d *Description) { d.Date = time.Time{} })},
		{`(UID 5 FLAGS (\Seen) INTERNALDATE "02-Jan-2024 03:04:05 +0000" RFC822.SIZE -1)`, with(func(d *Description) { d.Size = 0 })},
		{`(UID 5 FLAGS NIL INTERNALDATE "02-Jan-2024 03:04:05 +0000" RFC822.SIZE 9)`, with(func(d *Description) { d.Flags = nil })},
		{`(UID 5 FLAGS (\ foo]bar "\\$x" Важно {x) INTERNALDATE "02-Jan-2024 03:04:05 +0000" RFC822.SIZE 9)`,
			with(func(d *Description) { d.Flags = []imap.Flag{`\`, "foo]bar", `\$x`, "Важно", "{x"} })},
	} {
		a := newAnswers(said{Reader: strings.NewReader("* 2 FETCH " + strings.ReplaceAll(test.said, "\n", "\r\n") + "\r\n" +
			"* 3 FETCH (FLAGS (unasked))\r\nT1 OK\r\n")})
		a.greeted = true
		a.ask(5)
		sane, err := io.ReadAll(a)
		if err != nil || string(sane) != "T1 OK .\r\n" {
			t.Errorf("%s: the library gets %q, %v", test.said, sane, err)
		}
		got := a.described[5]
		got.Date = got.Date.UTC()
		if test.want.Date = test.want.Date.UTC(); len(a.described) != 1 || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v, want %+v", test.said, slices.Collect(maps.Values(a.described)), test.want)
		}
	}
}

func TestListedMailboxes(t *testing.T) {
	for _, test := range []struct {
		said string
		want ListedMailbox
	}{
		{`(\HasNoChildren) "/" INBOX`, ListedMailbox{"INBOX", '/', true}},
		{`() "/" "inbox"`, ListedMailbox{"INBOX", '/', true}},
		{`(\noselect \x]y) "." "a.b"`, ListedMailbox{"a.b", '.', false}},
		{`(\NonExistent) NIL a`, ListedMailbox{"a", 0, false}},
		{`() nil a`, ListedMailbox{"a", 0, true}},
		{`() / Sent Items `, ListedMailbox{"Sent Items", '/', true}},
		{`() "\\" "a\\b"`, ListedMailbox{`a\b`, '\\', true}},
		{`() "\" "a\b"`, ListedMailbox{`a\b`, '\\', true}},
		{`() "/" "the "best" of"`, ListedMailbox{`the "best" of`, '/', true}},
		{`() "/" {4}` + "\na b)", ListedMailbox{"a b)", '/', true}},
		{`() "/" "a" ("CHILDINFO" ("SUBSCRIBED"))`, ListedMailbox{"a", '/', true}},
		{`() "/" a ("CHILDINFO" ("SUBSCRIBED"))`, ListedMailbox{"a", '/', true}},
		{`() "/" "Entw&APw-rfe &- &ZYdbVw-"`, ListedMailbox{"Entwürfe & 文字", '/', true}},
		{`() "/" "Entwürfe"`, ListedMailbox{"Entwürfe", '/', true}},
		{`() "/" "R&D"`, ListedMailbox{"R&D", '/', true}},
		{`() "/" "a &!- b"`, ListedMailbox{"a &!- b", '/', true}},
		{"() \"/\" \"a\xffb\x00\"", ListedMailbox{"a\uFFFDb", '/', true}},
		{`(\Noselect) "/" ""`, ListedMailbox{"", '/', false}},
	} {
		a, sane := hear(t, "* list "+test.said+"\nT1 OK done\n")
		if sane != "T1 OK done\n" || !slices.Equal(a.mailboxes, []ListedMailbox{test.want}) {
			t.Errorf("%s: got %+v and %q, want %+v", test.said, a.mailboxes, sane, test.want)
		}
	}
}

func TestParseDate(t *testing.T) {
	want := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, text := range []string{
		"02-Jan-2024 03:04:05 +0000", " 2-Jan-2024 04:04:05 +0100", "2-JAN-2024 03:04:05 GMT", "02-Jan-24 03:04:05 +0000",
		"02-Jan-2024  03:04:05", "Tue, 02 Jan 2024 03:04:05 +0000", "2 Jan 2024 03:04:05 +0000 (UTC)", "2024-01-02T03:04:05Z",
		"2024-01-02 03:04:05 +0000", "Tue Jan  2 03:04:05 2024",
	} {
		if got := parseDate(text); !got.Equal(want) {
			t.Errorf("%q: got %v", text, got)
		}
	}
	for _, text := range []string{
		"", "NIL", "00-Jan-1900 00:00:00 +0000", "01-Jan-0001 00:00:00 +0000", "31-Feb-2024 00:00:00 +0000",
		"01-Jan-9999 00:00:00 +0000",
	} {
		if got := parseDate(text); !got.IsZero() {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

// FuzzAnswers looks for what a server may say that is never heard to its end, or that is more for the library than it was.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("* OK hi\r\n* LIST () \"/\" a\r\n* 1 FETCH (UID 1 BODY[] {1}\r\na FLAGS (a))\r\nT1 OK [CAPABILITY A] b\r\n"))
	f.Add([]byte("* 1 FETCH (FLAGS (\\{1}\n\"((\x00) INTERNALDATE \"\\"))
	f.Fuzz(func(t *testing.T, text []byte) {
		a := newAnswers(said{Reader: strings.NewReader(string(text))})
		got, err := io.ReadAll(a)
		if err != nil && err != ErrTooMuch {
			t.Error(err)
		}
		if len(got) > 20*len(text) {
			t.Errorf("%q became %q", text, got)
		}
	})
}
