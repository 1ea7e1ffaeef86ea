package host_test

import (
	"path/filepath"
	"testing"

	"github.com/PlakarKorp/kpkg/host"
)

func TestLocation(t *testing.T) {
	here := t.TempDir()
	for given, want := range map[string]struct{ full, local string }{
		"ftp://me@host:21/a":                {"ftp://me@host:21/a", "ftp://" + filepath.Join(here, "me@host:21", "a")},
		"fis:" + filepath.Join(here, "a"):   {"fis://" + filepath.Join(here, "a"), "fis://" + filepath.Join(here, "a")},
		"fis://" + filepath.Join(here, "a"): {"fis://" + filepath.Join(here, "a"), "fis://" + filepath.Join(here, "a")},
		"fis://a":                           {"fis://a", "fis://" + filepath.Join(here, "a")},
		"fis:a/../b":                        {"fis://a/../b", "fis://" + filepath.Join(here, "b")},
		"fis:":                              {"fis://", "fis://" + here},
		"a":                                 {"://a", "://" + filepath.Join(here, "a")},
	} {
		t.Run(given, func(t *testing.T) {
			got := host.ParseLocation(given)
			if got.String() != want.full || got.Below(here).String() != want.local {
				t.Errorf("got %s and %s, want %s and %s", got, got.Below(here), want.full, want.local)
			}
		})
	}
}
