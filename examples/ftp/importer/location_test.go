package importer

import (
	"strings"
	"testing"
)

func TestNewSource(t *testing.T) {
	const home = "h:21"
	tests := []struct {
		location, username, password string
		want                         source
	}{
		{"ftp://h", "", "", source{home, "h", "anonymous", "anonymous", "/"}},
		{"ftp://H:2121/", "", "", source{"H:2121", "h:2121", "anonymous", "anonymous", "/"}},
		{"ftp://joe@h/a/../b//c/", "", "pw", source{home, "h", "joe", "pw", "/b/c"}},
		{"ftp://joe@h/..", "jim", "", source{home, "h", "jim", "", "/"}},
		{"ftp://h/two%20words/100%25", "", "", source{home, "h", "anonymous", "anonymous", "/two words/100%"}},
		{"ftp://[::1]:2121/x", "", "", source{"[::1]:2121", "[::1]:2121", "anonymous", "anonymous", "/x"}},
	}
	for _, test := range tests {
		config := map[string]string{"location": test.location, "username": test.username, "password": test.password}
		if got, err := newSource("ftp", config); err != nil || got != test.want {
			t.Errorf("%v: got %+v, %v, want %+v", config, got, err, test.want)
		}
	}
}

func TestNewSourceRefuses(t *testing.T) {
	const secret = "hunter2"
	for _, config := range []map[string]string{
		{},
		{"location": "ftp://"},
		{"location": "ftp:///path"},
		{"location": "sftp://h/"},
		{"location": "ftp://joe:" + secret + "@h/"},
		{"location": "ftp://joe:" + secret + "/word@h/"},
		{"location": "ftp://joe:" + secret + "%zz@h/"},
		{"location": "ftp://h/%0d%0aDELE%20x"},
		{"location": "ftp://h/%ff"},
		{"location": "ftp://h", "username": "joe\nPASS x"},
		{"location": "ftp://h", "username": "joe", "password": secret + "\r\nDELE x"},
	} {
		got, err := newSource("ftp", config)
		if err == nil {
			t.Errorf("%q: accepted as %+v", config, got)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the error shows the password: %v", config, err)
		}
	}
}
