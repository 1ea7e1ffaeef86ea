package release

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/internal/git"
	"github.com/PlakarKorp/kpkg/manifest"
)

// TestRepository finds the address that a recipe names in what git says of where it was cloned from, and takes nothing else for one.
func TestRepository(t *testing.T) {
	for remote, want := range map[string]string{
		"https://example.org/acme/s3":                "https://example.org/acme/s3",
		"https://example.org/acme/s3.git":            "https://example.org/acme/s3",
		"https://example.org/acme/s3.git/":           "https://example.org/acme/s3",
		"https://example.org:8443/acme/s3.git":       "https://example.org:8443/acme/s3",
		"https://user:token@example.org/acme/s3.git": "https://example.org/acme/s3",
		"git@example.org:acme/s3.git":                "https://example.org/acme/s3",
		"example.org:acme/s3":                        "https://example.org/acme/s3",
		"git@example.org:/srv/acme/s3.git":           "https://example.org/srv/acme/s3",
		"git@example.org:2222/acme/s3.git":           "https://example.org/2222/acme/s3", // a folder: this form has no port
		"ssh://git@example.org/acme/s3.git":          "https://example.org/acme/s3",
		"ssh://git@gitlab.example.com:2222/a/s3.git": "https://gitlab.example.com/a/s3",
		"ssh://gitlab.example.com:22/a/s3":           "https://gitlab.example.com/a/s3",
		"git+ssh://git@example.org:22/acme/s3.git":   "https://example.org/acme/s3",
		"ssh://git@[2001:db8::1]:2222/acme/s3.git":   "https://[2001:db8::1]/acme/s3",
		"../origin":                      "",
		"backup/repo":                    "",
		"backup/repo:old":                "",
		"./a:b":                          "",
		"origin.git":                     "",
		"/srv/git/s3.git":                "",
		"/srv/git@host:x/s3.git":         "",
		`C:\repos\s3`:                    "",
		"C:/repos/s3":                    "",
		"file:///srv/git/s3.git":         "",
		"http://example.org/acme/s3.git": "",
		"git://example.org/acme/s3.git":  "",
		"ext::ssh example.org git-upload-pack s3.git": "",
		"codecommit::eu-west-1://s3":                  "",
		"":                                            "",
	} {
		r := &Release{Source: &create.Source{Document: &manifest.Document{File: "manifest.yaml"}}, head: git.Head{Remote: remote}}
		err := r.findRepository(Options{})
		if r.repository != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, not %q; %v", remote, r.repository, want, err)
		}
		if err != nil && !strings.Contains(err.Error(), "--repository") {
			t.Errorf("%q: %v", remote, err)
		}
	}
}

// TestPartInSource makes a part of a release in a folder of the source's: the parts are no changes of it, and all else is.
func TestPartInSource(t *testing.T) {
	dir := source(t, "one")
	gitDo(t, dir, "tag", "one/v1.0.0")
	one := filepath.Join(dir, "one")
	for name, test := range map[string]struct {
		out, change string
		dirty       bool
	}{
		"nothing":                       {"one/part-1-of-2", "", false},
		"other parts":                   {"one/part-1-of-2", "one/part-2-of-2/x", false},
		"unfinished parts":              {"one/part-1-of-2", "one/part-2-of-2" + workSuffix + "/release/x", false},
		"parts in the repository":       {"part-1-of-2", "part-2-of-2/x", false},
		"a file of the source":          {"one/part-1-of-2", "one/words", true},
		"a new file":                    {"one/part-1-of-2", "one/main/new.txt", true},
		"a file, parts beside it":       {"part-1-of-2", "one/words", true},
		"a folder like that of a part":  {"one/part-1-of-2", "one/part-of-it/x", true},
		"a folder that looks a pattern": {"one/[wm]*/part-1-of-2", "one/words", true},
	} {
		t.Run(name, func(t *testing.T) {
			opts := options(dir, filepath.Join(dir, filepath.FromSlash(test.out)), "one")
			opts.Part = []byte("{}")
			if test.change != "" {
				file := filepath.Join(dir, filepath.FromSlash(test.change))
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				put(t, file, "changed")
			}
			releases, err := inspect(t.Context(), opts)
			if err != nil || releases[0].Err != nil {
				t.Fatal(err, releases[0].Err)
			}
			if has(releases[0], "release-dirty") != test.dirty {
				t.Errorf("findings: %v", releases[0].Findings)
			}
			gitDo(t, dir, "checkout", "-q", ".")
			gitDo(t, dir, "clean", "-qfdx")
		})
	}
	// The release does not take the place of its source.
	for _, out := range []string{one, dir, filepath.Join(one, "..", "one"), filepath.Dir(dir)} {
		opts := options(dir, out, "one")
		opts.Allow = []string{"release-exists"}
		releases, outcome, err := Run(t.Context(), opts)
		if outcome != Refused || err != nil || releases[0].Err == nil || !strings.Contains(releases[0].Err.Error(), "give another --out-dir") {
			t.Errorf("%s: %v, %v", out, outcome, err)
		}
		if _, err := os.Stat(filepath.Join(one, "words")); err != nil {
			t.Fatal(err)
		}
	}
}
