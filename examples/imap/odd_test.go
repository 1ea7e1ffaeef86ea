package imap_test

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/emersion/go-imap/v2"

	"github.com/PlakarKorp/kpkg/examples/imap/account"
)

// three is a mailbox of three messages, of which the second is odd.
func three(described, read string) map[string][]oddMail {
	mails := make([]oddMail, 3)
	for i := range mails {
		mails[i] = oddMail{uid: i + 1, content: message(16 * i)}
	}
	mails[1].described, mails[1].read = described, read
	return map[string][]oddMail{"INBOX": mails}
}

var inbox = []string{`() "/" INBOX`}

// messagesOf divides what an import gave into messages and errors, and checks the content of the messages.
func messagesOf(t *testing.T, o *odd) (messages, failed []*connectors.Record) {
	t.Helper()
	all, err := gatherAll(t, newImporter(t, o.start(t), "joe"))
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range all {
		switch {
		case record.Err != nil:
			failed = append(failed, record)
		case !record.FileInfo.IsDir():
			messages = append(messages, record)
			content, err := io.ReadAll(record.Reader)
			var validity, uid int
			_, _ = fmt.Sscanf(path.Base(record.Pathname), "%d-%d", &validity, &uid)
			if err != nil || uid == 0 || string(content) != message(16*(uid-1)) {
				t.Errorf("%s: got %q, %v", record.Pathname, content, err)
			}
		}
	}
	return messages, failed
}

func TestOddAnswers(t *testing.T) {
	const date = ` INTERNALDATE "29-Feb-2020 12:00:00 +0000"`
	for name, test := range map[string]struct {
		described, read string
		selected        []string
		file            string // of the second message
		noTime          bool
	}{
		"no date":       {described: `(UID %d FLAGS (\Seen) RFC822.SIZE 35)`, noTime: true},
		"NIL as date":   {described: `(UID %d FLAGS (\Seen) INTERNALDATE NIL RFC822.SIZE 35)`, noTime: true},
		"no such date":  {described: `(UID %d FLAGS (\Seen) INTERNALDATE "00-Jan-1900 00:00:00 +0000")`, noTime: true},
		"date of mail":  {described: `(UID %d FLAGS (\Seen) INTERNALDATE "Sat, 29 Feb 2020 12:00:00 +0000")`},
		"no size":       {described: `(UID %d FLAGS (\Seen)` + date + `)`},
		"blanks":        {described: `( UID  %d FLAGS ( \Seen )` + date + `  )  `},
		"unknown parts": {described: `(X-A (1 (2 "3)")) UID %d X-B NIL FLAGS (\Seen)` + date + ` MODSEQ (5))`},
		"no UID":        {described: `(FLAGS (\Seen)` + date + `)`},
		"no flags":      {described: `(UID %d` + date + `)`, file: "0000000007-0000000002.eml"},
		"backslash":     {described: `(UID %d FLAGS (\)` + date + `)`, file: "0000000007-0000000002.eml"},
		"odd flags":     {described: `(UID %d FLAGS (\$No foo]bar)` + date + `)`, file: "0000000007-0000000002,,foo]bar.eml"},
		"UTF-8 flag":    {described: `(UID %d FLAGS (Важно)` + date + `)`, file: "0000000007-0000000002,,Важно.eml"},
		"8-bit flag":    {described: `(UID %d FLAGS (a` + "\xe4" + `b)` + date + `)`, file: "0000000007-0000000002,,a%E4b.eml"},
		"two answers":   {described: "(UID %d FLAGS (\\Seen))\r\n* 2 FETCH (UID %d" + date + ")"},
		"between":       {described: `(UID %d FLAGS (\Seen)` + date + ")\r\n* 1 FETCH (FLAGS (x))\r\n* X 1\r\n* 9 EXISTS\r\n\r\nwhat"},
		"read no UID":   {read: "(BODY[] %s)"},
		"read UID last": {read: "(BODY[] %s UID %d)"},
		"read blank":    {read: "(UID %d BODY[] %s )"},
		"read flags":    {read: `(FLAGS (\Seen) UID %d BODY[] %s FLAGS (\Seen a]b))`},
		"read lower":    {read: "(uid %d body[] %s)"},
		"read RFC822":   {read: "(UID %d RFC822 %s)"},
		"read literal8": {read: "(UID %d BODY[] ~%s)"},
		"SELECT's NUL":  {selected: []string{"* 3 EXISTS", "* FLAGS (\\Seen \x00)", "* OK [UIDVALIDITY 7\x00] \x00"}},
		"SELECT's flags": {selected: []string{
			"*  3 EXISTS", "* FLAGS (a]b Важно)", "* OK [PERMANENTFLAGS (a]b \\*)]", "* OK [UIDVALIDITY 7]",
		}},
		"SELECT's words": {selected: []string{"* 3 exists", "* ok [uidvalidity 7]", "* X", "* OK [HIGHESTMODSEQ x]", "* OK [UIDNEXT]"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := &odd{mailboxes: inbox, messages: three(test.described, test.read), selected: test.selected}
			messages, failed := messagesOf(t, o)
			if len(messages) != 3 || len(failed) > 0 {
				t.Fatalf("%d messages, errors %v", len(messages), failed)
			}
			if test.file == "" {
				test.file = "0000000007-0000000002,S.eml"
			}
			info := messages[1].FileInfo
			wantTime := start
			if test.noTime {
				wantTime = account.NoTime
			}
			if info.Name() != test.file || !info.ModTime().Equal(wantTime) {
				t.Errorf("got %s of %v, want %s of %v", info.Name(), info.ModTime(), test.file, wantTime)
			}
		})
	}
}

func TestOddAnswersThatCostTheirMessage(t *testing.T) {
	for name, test := range map[string]struct{ described, read string }{
		"not described":         {described: "nothing"},
		"another's description": {described: `(UID 77 FLAGS ())`},
		"no list":               {described: `what`},
		"no content":            {read: "(UID %d)"},
		"NIL as content":        {read: "(UID %d BODY[] NIL)"},
		"more than announced":   {read: "(UID %d BODY[] %sand more)"},
		"another's content":     {read: "(BODY[] %s UID 3)"},
	} {
		t.Run(name, func(t *testing.T) {
			messages, failed := messagesOf(t, &odd{mailboxes: inbox, messages: three(test.described, test.read)})
			if len(messages) != 2 || len(failed) != 1 || !strings.Contains(failed[0].Pathname, "0000000002") {
				t.Errorf("%d messages, errors %v", len(messages), failed)
			}
		})
	}
}

func TestFetchThatEndsWithNo(t *testing.T) {
	mails := make([]oddMail, 40)
	for i := range mails {
		mails[i] = oddMail{uid: i + 1, content: message(16 * i)}
	}
	for _, i := range []int{3, 20, 21} {
		mails[i].described = "nothing"
	}
	for name, end := range map[string]string{"NO": "NO some could not be fetched", "BAD": "BAD internal error", "OK": ""} {
		o := &odd{mailboxes: inbox, messages: map[string][]oddMail{"INBOX": mails}, ends: map[string]string{}}
		imp := newImporter(t, o.start(t), "joe")
		o.ends["FETCH"] = end
		records := make(chan *connectors.Record, 100)
		if err := imp.Import(t.Context(), records, nil); err != nil {
			t.Fatal(err)
		}
		messages, failed := 0, 0
		for record := range records {
			if record.Err != nil {
				failed++
				if !strings.Contains(record.Err.Error(), strings.TrimPrefix(end, name+" ")) {
					t.Errorf("%s: %v", name, record.Err)
				}
			} else if !record.FileInfo.IsDir() {
				messages++
			}
		}
		if messages != 37 || failed != 3 {
			t.Errorf("%s: %d messages, %d errors, want 37 and 3", name, messages, failed)
		}
	}
}

func TestOddFolders(t *testing.T) {
	messages := three("", "")
	messages["R&-D"] = messages["INBOX"]
	o := &odd{
		mailboxes: []string{`(\a]b) "/" INBOX`, `() "/" "R&D"`, "() \"/\" \"a\xffb\"", `what`, `() NIL x`},
		messages:  messages,
	}
	found, failed := messagesOf(t, o)
	if len(found) != 6 || len(failed) > 0 {
		t.Errorf("%d messages, errors %v", len(found), failed)
	}

	// A server that lists some and then fails, and one that counts more than it numbers.
	o = &odd{mailboxes: inbox, messages: three("", ""), ends: map[string]string{"LIST": "NO out of order"}}
	if found, failed := messagesOf(t, o); len(found) != 3 || len(failed) != 1 || failed[0].Pathname != "/" {
		t.Errorf("%d messages, errors %v", len(found), failed)
	}
	o = &odd{mailboxes: inbox, messages: three("", ""), selected: []string{"* 4 EXISTS", "* OK [UIDVALIDITY 7]"}}
	if found, failed := messagesOf(t, o); len(found) != 3 || len(failed) != 1 || failed[0].Pathname != "/INBOX" {
		t.Errorf("%d messages, errors %v", len(found), failed)
	}
}

// crowds are the ways in which servers have no place for a connection.
var crowds = map[string]func(o *odd, limit int) func(*oddConn) string{
	"refused": refuse("NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded"),
	"alert":   refuse("NO [ALERT] Too many simultaneous connections. (Failure)"),
	"no word": refuse("NO you again"),
	"BYE":     refuse("BYE Too many connections"),
	"cut":     refuse(""),
	"BYE to the oldest": func(o *odd, limit int) func(*oddConn) string {
		return func(*oddConn) string {
			if o.count() >= limit {
				o.cutOldest("* BYE too many connections")
			}
			return "OK"
		}
	},
	"BYE when in": func(o *odd, limit int) func(*oddConn) string {
		return func(c *oddConn) string {
			c.doomed = o.count() >= limit
			return "OK"
		}
	},
	"cut the oldest": func(o *odd, limit int) func(*oddConn) string {
		return func(*oddConn) string {
			if o.count() >= limit {
				o.cutOldest("")
			}
			return "OK"
		}
	},
}

func refuse(end string) func(o *odd, limit int) func(*oddConn) string {
	return func(o *odd, limit int) func(*oddConn) string {
		return func(c *oddConn) string {
			if o.count() < limit {
				return "OK"
			}
			return end
		}
	}
}

func TestFewConnections(t *testing.T) {
	for name, crowd := range crowds {
		for limit := 1; limit <= 2; limit++ {
			t.Run(fmt.Sprintf("%s %d", name, limit), func(t *testing.T) {
				mails := make([]oddMail, 60)
				for i := range mails {
					mails[i] = oddMail{uid: i + 1, content: message(16 * i)}
				}
				o := &odd{mailboxes: []string{`() "/" INBOX`, `() "/" a`}}
				o.messages = map[string][]oddMail{"INBOX": mails, "a": mails}
				o.crowd = crowd(o, limit)
				messages, failed := messagesOf(t, o)
				if len(messages) != 120 || len(failed) > 0 {
					t.Errorf("%d messages, want 120; errors %v", len(messages), failed)
				}

				o = &odd{mailboxes: inbox}
				o.crowd = crowd(o, limit)
				var all []*connectors.Record
				for i := range 60 {
					all = append(all, newMessage(fmt.Sprintf("/INBOX/%d.eml", i), message(16*i)))
				}
				for name, err := range put(t, newExporter(t, o.start(t), "joe"), all) {
					t.Errorf("%s: %v", name, err)
				}
				o.mu.Lock()
				defer o.mu.Unlock()
				slices.Sort(o.text) // one may be there twice if its connection was cut when it had been stored
				if n := len(slices.Compact(o.text)); n != 60 {
					t.Errorf("%d messages were stored, want 60", n)
				}
			})
		}
	}
}

func TestLongNames(t *testing.T) {
	s := startServer(t, 0)
	var keywords []imap.Flag
	for i := range 40 {
		keywords = append(keywords, imap.Flag(fmt.Sprintf("$keyword-number-%d", i)))
	}
	add(t, s.joe, "INBOX", message(16), append(keywords, imap.FlagSeen)...)
	add(t, s.joe, "INBOX", message(32), append(keywords[:1:1], imap.FlagSeen)...)
	long := strings.Repeat("文字/", 2) + strings.Repeat("é%", 150)
	if err := s.joe.Create(long, nil); err != nil {
		t.Fatal(err)
	}
	add(t, s.joe, long, message(48), imap.FlagSeen)

	all, err := gather(t, newImporter(t, s.address, "joe"))
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range all {
		if name := path.Base(record.Pathname); len(name) > account.MaxName {
			t.Errorf("a name of %d bytes: %s", len(name), name)
		}
	}
	want := describe(t, all)
	for name, err := range put(t, newExporter(t, s.address, "jim"), all) {
		t.Errorf("%s: %v", name, err)
	}
	restored, err := gather(t, newImporter(t, s.address, "jim"))
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, describe(t, restored), want)

	// Without its keywords a message is stored all the same, and that is told.
	withoutKeywords := slices.DeleteFunc(all, func(r *connectors.Record) bool {
		return r.Reader == nil || !strings.HasSuffix(r.Pathname, ",%.eml")
	})
	for _, record := range withoutKeywords {
		record.Reader = io.NopCloser(strings.NewReader(message(16)))
	}
	o := &odd{mailboxes: inbox}
	failed := put(t, newExporter(t, o.start(t), "joe"), withoutKeywords)
	if len(withoutKeywords) != 1 || len(failed) != 1 || len(o.text) != 1 || o.text[0] != message(16) {
		t.Errorf("of %d messages %v failed, stored %q", len(withoutKeywords), failed, o.text)
	}
}

// TestStoreOddities stores what a server cannot take as it is: the message matters.
func TestStoreOddities(t *testing.T) {
	o := &odd{mailboxes: inbox}
	odd := newMessage("/INBOX/0000000007-0000000002,S,a%FFb,foo]bar,x,Важно.eml", message(16))
	odd.FileInfo.LmodTime = account.NoTime
	for name, err := range put(t, newExporter(t, o.start(t), "joe"), []*connectors.Record{odd}) {
		t.Errorf("%s: %v", name, err)
	}
	if want := fmt.Sprintf(`INBOX (\Seen x) {%d}`, len(message(16))); !slices.Equal(o.appended, []string{want}) {
		t.Errorf("got %q, want %q", o.appended, want)
	}
	dated := newMessage("/INBOX/1.eml", message(16))
	dated.FileInfo.LmodTime = time.Unix(1, 0).UTC()
	for name, err := range put(t, newExporter(t, o.start(t), "joe"), []*connectors.Record{dated}) {
		t.Errorf("%s: %v", name, err)
	}
	if len(o.appended) != 2 || !strings.Contains(o.appended[1], `" 1-Jan-1970 00:00:01 +0000"`) {
		t.Errorf("got %q", o.appended)
	}
}
