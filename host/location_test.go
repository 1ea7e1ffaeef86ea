package host_test

import (
	"path/filepath"
	"slices"
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

func TestLocationSecrets(t *testing.T) {
	for given, want := range map[string][]string{
		"fis://me:hunter22@host/a":                  {"hunter22"},
		"fis:me:hunter22@host/a":                    {"hunter22"},
		"fis:///me/hunter22@host":                   nil,
		"s3://host/bucket?secret_key=hunter22&a=bc": {"hunter22"},
		"s3://host/?token=hunter%2022":              {"hunter%2022", "hunter 22"},
		"fis://host/a":                              nil,
	} {
		t.Run(given, func(t *testing.T) {
			got := host.ParseLocation(given).Secrets()
			for _, secret := range want {
				if !slices.Contains(got, secret) {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			if want == nil && len(got) > 0 {
				t.Errorf("got %q", got)
			}
		})
	}
}
