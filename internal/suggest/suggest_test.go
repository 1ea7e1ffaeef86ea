package suggest

import (
	"strings"
	"testing"
)

func TestClosest(t *testing.T) {
	candidates := []string{"display_name", "description", "license", "ftp", "location", "location_flags"}
	for written, want := range map[string]string{
		"displayName":              "display_name",
		"display-name":             "display_name",
		"licence":                  "license",
		"discription":              "description",
		"ftq":                      "ftp",
		"fpt":                      "ftp",
		"des":                      "description",
		"loc":                      "", // of two
		"lic":                      "license",
		"x":                        "",
		"something":                "",
		"":                         "",
		strings.Repeat("a", 1<<20): "",
	} {
		if got := Closest(written, candidates); got != want {
			t.Errorf("closest to %.20q: %q, want %q", written, got, want)
		}
	}
	long := strings.Repeat("a", 1<<20)
	if got := Closest("aaa", []string{long, "aab"}); got != "aab" {
		t.Errorf("a long candidate: %.20q", got)
	}
	if got := OneOf("x", []string{"one", "two"}); got != "use one of one, two" {
		t.Errorf("%q", got)
	}
}
