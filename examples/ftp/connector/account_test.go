package connector

import (
	"strings"
	"testing"
)

func TestNewAccount(t *testing.T) {
	const home, anon = "h:21", "anonymous"
	tests := []struct {
		location, username, password string
		want                         account
	}{
		{"ftp://h", "", "", account{home, "h", anon, anon, "/", plain, nil}},
		{"ftp://H:2121/", "", "", account{"H:2121", "h:2121", anon, anon, "/", plain, nil}},
		{"ftp://joe@h/a/../b//c/", "", "pw", account{home, "h", "joe", "pw", "/b/c", plain, nil}},
		{"ftp://joe@h/..", "jim", "", account{home, "h", "jim", "", "/", plain, nil}},
		{"ftp://h/two%20words/100%25", "", "", account{home, "h", anon, anon, "/two words/100%", plain, nil}},
		{"ftp://[::1]:2121/x", "", "", account{"[::1]:2121", "[::1]:2121", anon, anon, "/x", plain, nil}},
	}
	for _, test := range tests {
		config := map[string]string{"location": test.location, "username": test.username, "password": test.password}
		if got, err := newAccount("ftp", config); err != nil || got != test.want {
			t.Errorf("%v: got %+v, %v, want %+v", config, got, err, test.want)
		}
	}
}

func TestSecurity(t *testing.T) {
	for tls, want := range map[string]account{
		"":         {address: "h:21", security: plain},
		"none":     {address: "h:21", security: plain},
		"explicit": {address: "h:21", security: explicitTLS},
		"implicit": {address: "h:990", security: implicitTLS},
	} {
		got, err := newAccount("ftp", map[string]string{"location": "ftp://h", "tls": tls})
		if err != nil || got.address != want.address || got.security != want.security {
			t.Errorf("tls=%s: got %+v, %v, want %+v", tls, got, err, want)
		}
	}
}

func TestNewAccountRefuses(t *testing.T) {
	const secret = "hunter2"
	for _, config := range []map[string]string{
		{},
		{"location": "ftp://"},
		{"location": "ftp:///path"},
		{"location": "sftp://h/"},
		{"location": "ftp://joe:" + secret + "@h/"},
		{"location": "ftp://joe@h", "password": secret, "tls": "starttls"},
		{"location": "ftp://joe:" + secret + "/word@h/"},
		{"location": "ftp://joe:" + secret + "%zz@h/"},
		{"location": "ftp://h/%0d%0aDELE%20x"},
		{"location": "ftp://h/%ff"},
		{"location": "ftp://h", "username": "joe\nPASS x"},
		{"location": "ftp://h", "username": "joe", "password": secret + "\r\nDELE x"},
	} {
		got, err := newAccount("ftp", config)
		if err == nil {
			t.Errorf("%q: accepted as %+v", config, got)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the error shows the password: %v", config, err)
		}
	}
}
