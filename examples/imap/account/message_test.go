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
	if flags, err := FlagsOf("/a/hello.eml"); err != nil || flags != nil {
		t.Errorf("a message without flags: got %q, %v", flags, err)
	}
	for _, name := range []string{"hello.txt", "1-1,S,two words.eml", "1-1,S,.eml", "1-1,S,a%0Ab.eml", "1-1,S,(.eml"} {
		if flags, err := FlagsOf(name); err == nil {
			t.Errorf("%q: accepted, with %q", name, flags)
		}
	}
}
