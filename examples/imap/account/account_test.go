package account

import (
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	tests := []struct {
		location, username, tls string
		want                    Account
	}{
		{"imap://joe@h", "", "", Account{"h", "/", "h:993", "joe", "pw", TLS}},
		{"imap://joe@H:143/", "", "", Account{"h:143", "/", "H:143", "joe", "pw", StartTLS}},
		{"imap://h:1143", "joe@h", "", Account{"h:1143", "/", "h:1143", "joe@h", "pw", TLS}},
		{"imap://joe%40h@h", "", "none", Account{"h", "/", "h:143", "joe@h", "pw", None}},
		{"imap://jim@h", "joe", "starttls", Account{"h", "/", "h:143", "joe", "pw", StartTLS}},
		{"imap://joe@h:143/a/../b%20c/", "", "tls", Account{"h:143", "/b c", "h:143", "joe", "pw", TLS}},
		{"imap://joe@[::1]/INBOX", "", "", Account{"[::1]", "/INBOX", "[::1]:993", "joe", "pw", TLS}},
	}
	for _, test := range tests {
		config := map[string]string{
			"location": test.location, "username": test.username, "password": "pw", "tls": test.tls,
		}
		if got, err := New("imap", config); err != nil || got != test.want {
			t.Errorf("%v: got %+v, %v, want %+v", config, got, err, test.want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	const secret = "hunter2"
	for _, config := range []map[string]string{
		{},
		{"location": "imap://", "username": "joe", "password": secret},
		{"location": "imaps://h", "username": "joe", "password": secret},
		{"location": "imap://joe:" + secret + "@h"},
		{"location": "imap://joe:" + secret + "%zz@h"},
		{"location": "imap://h", "password": secret},
		{"location": "imap://joe@h"},
		{"location": "imap://joe@h", "password": secret + "\r\nT1 LOGOUT"},
		{"location": "imap://joe@h/%ff", "password": secret},
		{"location": "imap://joe@h", "password": secret, "tls": "maybe"},
	} {
		got, err := New("imap", config)
		if err == nil {
			t.Errorf("%q: accepted as %+v", config, got)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the error shows the password: %v", config, err)
		}
	}
}
