package account

import (
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
)

func TestFileName(t *testing.T) {
	tests := []struct {
		flags []imap.Flag
		name  string
		back  []imap.Flag
	}{
		{nil, "1667890123-0000000042.eml", nil},
		{[]imap.Flag{`\seen`, `\Draft`}, "1667890123-0000000042,DS.eml", []imap.Flag{`\Draft`, `\Seen`}},
		{[]imap.Flag{`\Recent`, `\`, "", `\$odd`}, "1667890123-0000000042.eml", nil},
		{
			[]imap.Flag{"Важно", "a\xffb", "c\x01", "x", "x"}, "1667890123-0000000042,,a%FFb,c%01,x,Важно.eml",
			[]imap.Flag{"x"},
		},
		{[]imap.Flag{"b,c/d", "$Junk"}, "1667890123-0000000042,,$Junk,b%2Cc%2Fd.eml", []imap.Flag{"$Junk", "b,c/d"}},
		{
			[]imap.Flag{`\Answered`, `\Deleted`, `\Flagged`, "x"}, "1667890123-0000000042,FRT,x.eml",
			[]imap.Flag{`\Flagged`, `\Answered`, `\Deleted`, "x"},
		},
	}
	for _, test := range tests {
		name := Message{Validity: 1667890123, UID: 42, Flags: test.flags}.FileName()
		if name != test.name {
			t.Errorf("%q: got name %q, want %q", test.flags, name, test.name)
		}
		if back, err := FlagsOf("/INBOX/" + name); err != nil || !slices.Equal(back, test.back) {
			t.Errorf("%q: got flags %q, %v, want %q", name, back, err, test.back)
		}
	}
}

func TestKeywordsElsewhere(t *testing.T) {
	short := Message{Validity: 1, UID: 2, Flags: []imap.Flag{`\Seen`, "x", imap.Flag(strings.Repeat("k", 225))}}
	if name := short.FileName(); len(name) != MaxName || LacksKeywords(name) {
		t.Errorf("a name of %d bytes: %s", len(name), name)
	}
	if name, content := short.KeywordsFile(); name != "" {
		t.Errorf("has a file of keywords %q: %q", name, content)
	}

	long := short
	long.Flags = append(long.Flags, "y", "a,b/%")
	name := long.FileName()
	if name != "0000000001-0000000002,S,%.eml" || !LacksKeywords(name) {
		t.Errorf("got name %q", name)
	}
	if flags, err := FlagsOf(name); err != nil || !slices.Equal(flags, []imap.Flag{`\Seen`}) {
		t.Errorf("%q: got flags %q, %v", name, flags, err)
	}
	file, content := long.KeywordsFile()
	if file >= name {
		t.Errorf("%q does not come before %q", file, name)
	}
	message, isKeywords := MessageOf("/INBOX/" + file)
	if other, isMessage := MessageOf("/INBOX/" + name); !isKeywords || isMessage || message != other {
		t.Errorf("%q is of %q, %q of %q", file, message, name, other)
	}
	// The percent sign is in no keyword that may be stored.
	want := []imap.Flag{imap.Flag(strings.Repeat("k", 225)), "x", "y"}
	if got := ParseKeywords(content); !slices.Equal(got, want) {
		t.Errorf("%q: got %q, want %q", content, got, want)
	}
}

func TestFlagsOfOtherFiles(t *testing.T) {
	for _, name := range []string{"/a/hello.eml", "Re, Todo, soon.eml", ".eml"} {
		if flags, err := FlagsOf(name); err != nil || flags != nil {
			t.Errorf("%q: got %q, %v", name, flags, err)
		}
	}
	if flags, err := FlagsOf("hello.txt"); err == nil {
		t.Errorf("a text was accepted, with %q", flags)
	}
	for _, keyword := range []string{"two words", "", "a%0Ab", "(", "naïve", "foo]bar", "%FF", "%"} {
		flags, err := FlagsOf("1667890123-0000000042,S," + keyword + ".eml")
		if err != nil || !slices.Equal(flags, []imap.Flag{`\Seen`}) {
			t.Errorf("%q: got %q, %v, want \\Seen alone", keyword, flags, err)
		}
	}
}

// FuzzFlagsOf looks for names whose flags change when they are written again.
func FuzzFlagsOf(f *testing.F) {
	f.Add("1667890123-0000000042,DFRST,$Junk,a%2Cb.eml")
	f.Add("hello.eml")
	f.Add(",,%.eml")
	f.Add("1667890123-0000000042,S,twice,twice.eml")
	f.Fuzz(func(t *testing.T, name string) {
		flags, err := FlagsOf(name)
		if err != nil {
			return
		}
		again, err := FlagsOf(Message{Flags: flags}.FileName())
		slices.Sort(flags)
		slices.Sort(again)
		if err != nil || !slices.Equal(again, flags) {
			t.Errorf("%q has flags %q, written again %q, %v", name, flags, again, err)
		}
	})
}
