package secrets

import (
	"fmt"
	"sync"
	"testing"
)

func TestCut(t *testing.T) {
	var set Set
	if got := set.Cut("anything"); got != "anything" {
		t.Errorf("a set that knows nothing cuts: %q", got)
	}
	set.Learn(map[string]string{
		"password":  "hunter22",
		"location":  "ftp://me:s3same@host/dir",
		"key_file":  "/etc/ftp.key",
		"user":      "plain",
		"api_token": "abc", // too short to cut
	}, "hunter22 and more", "first line\nsecond line\n")
	for text, want := range map[string]string{
		"hunter22 and more":            "***", // not its beginning alone
		"hunter22 and less":            "*** and less",
		"login s3same at /etc/ftp.key": "login *** at /etc/ftp.key",
		"plain abc":                    "plain abc",
		"> second line":                "> ***",
		"first line\nsecond line\n":    "***",
	} {
		if got := set.Cut(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestLongest(t *testing.T) {
	var set Set
	if all, n := set.All(), set.Longest(); all != nil || n != 0 {
		t.Errorf("a set that knows nothing has %q, the longest of %d bytes", all, n)
	}
	set.Learn(nil, "short", "the longest", "shorter")
	if all, n := set.All(), set.Longest(); len(all) != 3 || all[0] != "the longest" || n != len("the longest") {
		t.Errorf("the set has %q, the longest of %d bytes", all, n)
	}
	set.Learn(nil)
	if n := set.Longest(); n != len("the longest") {
		t.Errorf("once it has learned nothing more, the longest has %d bytes", n)
	}
}

// TestLearnAdds holds that nothing is forgotten, and nothing kept twice, whoever learns at the same time.
func TestLearnAdds(t *testing.T) {
	var set Set
	var learning sync.WaitGroup
	for i := range 8 {
		learning.Go(func() {
			for j := range 25 {
				set.Learn(map[string]string{"password": "of all of them"}, fmt.Sprintf("secret %d of %d\n", j, i))
			}
		})
	}
	learning.Wait()
	if all := set.All(); len(all) != 1+2*8*25 { // with its line end and without
		t.Errorf("it knows %d secrets", len(all))
	}
	if got := set.Cut("secret 0 of 0, secret 24 of 7, of all of them"); got != "***, ***, ***" {
		t.Errorf("it cuts %q", got)
	}
}

func TestCutURLPassword(t *testing.T) {
	for _, test := range []struct{ location, text, want string }{
		{"ftp://me:s3same@host/dir", "login s3same at ftp://me:s3same@host/dir", "login *** at ftp://me:***@host/dir"},
		{"ftp://me:p%40ss@host", "p%40ss is p@ss", "*** is ***"},
		{"ftp://me:p@ss@host", "p@ss", "***"},
		{"ftp://me:pa/ss@host/dir", "me has pa/ss", "me has ***"},
		{"ftp://me:a%2Fb@host/dir", "a%2Fb is no a/b", "*** is no a/b"}, // too short to cut
		{"ftp://me:s3same@host/home@work", "login s3same", "login ***"},
		{"ftp://me:100%sure@host", "100%sure", "***"},
		{"ftp://host:2121/dir", "host:2121/dir", "host:2121/dir"},
		{"ftp://me@host:2121", "me@host:2121", "me@host:2121"},
		{"fis:///back:daily/me@home", "/back:daily/me@home", "/back:daily/me@home"},
		{"me:s3same@host", "me:s3same@host", "me:s3same@host"}, // no URL
	} {
		var set Set
		set.Learn(map[string]string{"location": test.location})
		if got := set.Cut(test.text); got != test.want {
			t.Errorf("%s: %q becomes %q, want %q", test.location, test.text, got, test.want)
		}
	}
}
