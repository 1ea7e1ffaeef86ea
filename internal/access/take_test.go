package access_test

import (
	"testing"

	"github.com/PlakarKorp/kpkg/internal/access"
)

// TestTake takes passwords away from whatever looks like an address, and gives them back.
func TestTake(t *testing.T) {
	for given, want := range map[string]string{
		"https://me:hunter22@host/x.ptar":     "https://host/x.ptar",
		"https://me:hunter22@host/x@latest":   "https://host/x@latest",
		"http://me:hunter22@[::1]:80/x":       "http://[::1]:80/x",
		"https://me:hun/ter22@host/x":         "https://me:***@host/x",
		"http://me:hunter22@[::1/x":           "http://me:***@[::1/x",
		"http://me:hunter22@":                 "http://me:***@",
		"http://me:hunter22@host/a\x1bb":      "http://me:***@host/a\x1bb",
		"ftp://me:hunter22@host:21/x":         "ftp://me:***@host:21/x",
		"ftp://:hun@ter22@host":               "ftp://:***@host",
		"https://host/x.ptar":                 "",
		"https://host:8080/x.ptar@1f2e":       "",
		"https://[::1]:80/x.ptar@1f2e":        "",
		"ftp://host:21/x@y":                   "",
		"ftp://[::1]/x@y":                     "",
		"ftp://host/a:b@c":                    "",
		"ftp://me@host/x":                     "",
		"ftp://me:@host/x":                    "",
		"endpoint=https://me:hunter22@host/x": "", // a setting, not an address
		"folder/a://me:hunter22@b":            "",
		"me:hunter22@host":                    "",
		"x.ptar":                              "",
		"":                                    "",
	} {
		if want == "" {
			want = given
		}
		var a access.Access
		if got := a.Take(given); got != want {
			t.Errorf("%s is taken as %s", given, got)
		}
		if got := a.Give(want); got != given {
			t.Errorf("%s is given back as %s", given, got)
		}
	}
}
