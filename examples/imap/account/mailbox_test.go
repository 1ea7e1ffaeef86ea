package account

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFolderPath(t *testing.T) {
	tests := []struct {
		mailbox   string
		delimiter rune
		path      string
	}{
		{"INBOX", '/', "/INBOX"},
		{"a/b/c", '/', "/a/b/c"},
		{"a.b.c", '.', "/a/b/c"},
		{"a.b", '/', "/a.b"},
		{"a.b/c", 0, "/a.b%2Fc"},
		{"Entwürfe.50% 文字", '.', "/Entwürfe/50%25 文字"},
		{"tab\there", '.', "/tab%09here"},
		{"next\u0085line", '.', "/next%C2%85line"},
		{"a..b", '.', "/a/%/b"},
		{"../.", '/', "/%2E%2E/%2E"},
		{"x.eml", '/', "/x%2Eeml"},
		{"%2E", '/', "/%252E"},
		{"", '/', "/%"},
	}
	for _, test := range tests {
		if got := FolderPath(test.mailbox, test.delimiter); got != test.path {
			t.Errorf("path of %q with %q: got %q, want %q", test.mailbox, test.delimiter, got, test.path)
		}
		if got, err := Mailbox(test.path, test.delimiter); err != nil || got != test.mailbox {
			t.Errorf("mailbox of %q with %q: got %q, %v, want %q", test.path, test.delimiter, got, err, test.mailbox)
		}
	}
}

func TestMailboxElsewhere(t *testing.T) {
	tests := []struct {
		path      string
		delimiter rune
		mailbox   string // empty is an error
	}{
		{"/v1.2/notes", '.', "v1%2E2.notes"},
		{"/a%2Fb", '/', "a%2Fb"},
		{"/a%2Fb", '.', "a/b"},
		{"/a/b", 0, ""},
		{"/a", 0, "a"},
		{"/100%", '/', "100%"},
		{"/100% sure", '/', "100% sure"},
		{"/%FF", '/', ""},
		{"/100%/sure", '/', "100%/sure"},
	}
	for _, test := range tests {
		got, err := Mailbox(test.path, test.delimiter)
		if got != test.mailbox || (err != nil) != (test.mailbox == "") {
			t.Errorf("mailbox of %q with %q: got %q, %v, want %q", test.path, test.delimiter, got, err, test.mailbox)
		}
	}
}

func TestLongMailbox(t *testing.T) {
	for _, part := range []string{"a", "é", "文", "😀", "%", "\t", "a%", "ab\t", "."} {
		for n := 240; n < 270; n++ {
			for _, mailbox := range []string{strings.Repeat(part, n), strings.Repeat("x", n) + part + "." + part} {
				folder := FolderPath(mailbox, '/')
				for name := range strings.SplitSeq(folder, "/") {
					if len(name) > MaxName {
						t.Errorf("%q: a name of %d bytes", mailbox, len(name))
					}
				}
				if back, err := Mailbox(folder, '/'); err != nil || back != mailbox {
					t.Errorf("%q became %q and then %q, %v", mailbox, folder, back, err)
				}
			}
		}
	}
}

// FuzzMailbox looks for names that do not come back, or that leave the tree.
func FuzzMailbox(f *testing.F) {
	f.Add("a/b.eml", "/")
	f.Add("..%2E", ".")
	f.Add("", "")
	f.Add("%\x00", "%")
	f.Add(strings.Repeat("%", 200)+".", "/")
	f.Fuzz(func(t *testing.T, mailbox, delimiters string) {
		if !utf8.ValidString(mailbox) || !utf8.ValidString(delimiters) {
			return
		}
		var delimiter rune
		for _, delimiter = range delimiters {
			break
		}
		folder := FolderPath(mailbox, delimiter)
		for part := range strings.SplitSeq(folder[1:], "/") {
			if len(part) > MaxName || part == "" || part == "." || part == ".." || strings.HasSuffix(part, MessageSuffix) {
				t.Errorf("%q with %q: path %q", mailbox, delimiter, folder)
			}
		}
		if got, err := Mailbox(folder, delimiter); err != nil || got != mailbox {
			t.Errorf("%q with %q became %q and then %q, %v", mailbox, delimiter, folder, got, err)
		}
	})
}
