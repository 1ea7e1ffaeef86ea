package account

import (
	"slices"
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
		{[]imap.Flag{`\Recent`}, "1667890123-0000000042.eml", nil},
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

func TestFlagsOfOtherFiles(t *testing.T) {
	for _, name := range []string{"/a/hello.eml", "Re, Todo, soon.eml", ".eml"} {
		if flags, err := FlagsOf(name); err != nil || flags != nil {
			t.Errorf("%q: got %q, %v", name, flags, err)
		}
	}
	if flags, err := FlagsOf("hello.txt"); err == nil {
		t.Errorf("a text was accepted, with %q", flags)
	}
	for _, keyword := range []string{"two words", "", "a%0Ab", "(", "naïve"} {
		if flags, err := FlagsOf("1667890123-0000000042,S," + keyword + ".eml"); err == nil {
			t.Errorf("%q: accepted, with %q", keyword, flags)
		}
	}
}

// FuzzFlagsOf looks for names whose flags change when they are written again.
func FuzzFlagsOf(f *testing.F) {
	f.Add("1667890123-0000000042,DFRST,$Junk,a%2Cb.eml")
	f.Add("hello.eml")
	f.Add(",,%.eml")
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
