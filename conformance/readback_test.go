package conformance_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/internal/raced"
)

// elsewhere is an exporter whose destination is not known to be a folder of this machine, with an importer of it.
func elsewhere(t *testing.T, fault, importerFault string) conformance.Config {
	t.Helper()
	c := config(conformance.Exporter, fault)
	c.LocationFlags = nil
	c.Settings = map[string]string{"location": "fis://" + t.TempDir()}
	c.ReadBack = config(conformance.Importer, importerFault).Program
	c.Only = family(conformance.Exporter, "exporter")
	return c
}

// mail is a sample: messages in folders.
func mail(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"INBOX/first.eml": "Subject: first\r\n\r\nHello\r\n", "INBOX/second.eml": "Subject: second\r\n\r\nHello again\r\n",
		"Archive/2024/third.eml": "Subject: third\r\n\r\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "Empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// notPassed runs the suite and returns the details of what did not pass, by id after the status.
func notPassed(t *testing.T, c conformance.Config) map[string]string {
	t.Helper()
	results, err := conformance.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, r := range results {
		if r.Status != conformance.Pass {
			found[string(r.Status)+" "+r.ID] = r.Detail
		}
	}
	return found
}

// looks are the checks that look at what was written.
var looks = []string{
	"exporter-answers", "exporter-read-back", "exporter-content", "exporter-names", "exporter-folders", "exporter-links",
	"exporter-modes", "exporter-times", "exporter-overwrite", "exporter-replace", "exporter-escape", "exporter-cut",
	"exporter-cancelled",
}

// TestReadBack looks through an importer at what exporters write, and tells what a destination does not claim to keep
// from what it loses.
func TestReadBack(t *testing.T) {
	const escape, another = "skip exporter-escape", "no file of the sample with the content that was sent"
	const names = "other files than were sent"
	mailServer := map[string]string{
		escape: "only connectors of local files", "skip exporter-names": "a name of its own", "skip exporter-overwrite": "one content",
		"skip exporter-replace": "one content",
		"skip exporter-links":   "sample has no links", "skip exporter-modes": "keeps no permissions",
	}
	with := func(base map[string]string, more ...string) map[string]string {
		all := maps.Clone(base)
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	files := map[string]string{escape: "only connectors of local files"}
	for _, test := range []struct {
		fault, importerFault string
		sample               bool
		want                 map[string]string // what is in the details
	}{
		{"none", "none", false, files},
		{"forgets a file", "none", false, with(files, "fail exporter-content", "/sizes/4096\" is not there")},
		{"changes content", "none", false, with(files, "fail exporter-content", "other content")},
		{"renames a file", "none", false, with(files, "fail exporter-names", "/sizes/4096\" is there under another name")},
		{"forgets empty folders", "none", false, with(files, "skip exporter-folders", "keeps no empty folders")},
		{"refuses links", "none", false, with(files, "skip exporter-links", "no links here")},
		{"follows links", "none", false, with(files, "fail exporter-links", "leads to")},
		{"forgets modes", "none", false, with(files, "skip exporter-modes", "keeps no permissions")},
		{"forgets modes of read-only files", "none", false, with(files, "fail exporter-modes", "instead of")},
		{"forgets times", "none", false, with(files, "skip exporter-times", "keeps no times")},
		{"forgets times of empty files", "none", false, with(files, "fail exporter-times", "/empty\" is of 1970")},
		{"does not overwrite", "none", false, with(files, "fail exporter-overwrite", "5000 bytes instead of 4000")},
		{"writes in place", "none", false,
			with(files, "fail exporter-cut", "/broken", "fail exporter-cancelled", "/broken")},
		{"is a mail server", "none", true, mailServer},
		{"is a database", "none", true, map[string]string{
			escape: "only connectors of local files", "skip exporter-names": another, "skip exporter-content": another,
			"skip exporter-folders": another, "skip exporter-links": another, "skip exporter-modes": another,
			"skip exporter-times": another, "skip exporter-overwrite": "one content", "skip exporter-replace": "one content",
			"skip exporter-cut": another, "skip exporter-cancelled": another,
		}},
		{"is a database with names of its own", "none", true, map[string]string{
			escape: "only connectors of local files", "skip exporter-read-back": names, "skip exporter-names": names,
			"skip exporter-content": names, "skip exporter-folders": names, "skip exporter-links": names,
			"skip exporter-modes": names, "skip exporter-times": names, "skip exporter-overwrite": "one content",
			"skip exporter-replace": "one content", "skip exporter-cut": names, "skip exporter-cancelled": names,
		}},
		{"is a mail server that keeps parts", "none", true,
			with(mailServer, "fail exporter-cut", "a part of its content", "fail exporter-cancelled", "a part of its content")},
	} {
		t.Run(test.fault, func(t *testing.T) {
			if !strings.HasPrefix(test.fault, "is a mail server") {
				raced.Skip(t, "mail servers run the same code")
			}
			t.Parallel()
			c := elsewhere(t, test.fault, test.importerFault)
			if test.sample {
				c.Sample = mail(t)
			}
			if test.fault != "none" && test.fault != "is a mail server" {
				c.Only = looks
			}
			got := notPassed(t, c)
			for what, detail := range test.want {
				if !strings.Contains(got[what], detail) {
					t.Errorf("%s: %q, want %q", what, got[what], detail)
				}
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(test.want)), slices.Sorted(maps.Keys(got))); diff != "" {
				t.Errorf("did not pass (-want +got):\n%s%v", diff, got)
			}
		})
	}
}

// TestReadBackIsNoJudge does not blame an exporter for what the importer does not bring.
func TestReadBackIsNoJudge(t *testing.T) {
	for fault, want := range map[string]string{
		"brings no folders": "skip exporter-folders", "cannot read odd names": "skip exporter-content",
	} {
		c := elsewhere(t, "none", fault)
		c.Only = []string{"exporter-folders", "exporter-content", "exporter-read-back"}
		got := notPassed(t, c)
		if len(got) != 1 || !strings.Contains(got[want], "not judged, as the importer") {
			t.Errorf("%s: did not pass: %v", fault, got)
		}
	}
}

// TestNothingBack says once that what was sent does not come back, and does not take it for a success that nothing of a
// file that broke off is there.
func TestNothingBack(t *testing.T) {
	got := notPassed(t, elsewhere(t, "gives nothing back", "none"))
	for what := range got {
		if strings.HasPrefix(what, "fail ") && what != "fail exporter-read-back" {
			t.Errorf("%s: %s", what, got[what])
		}
	}
	for _, what := range []string{"fail exporter-read-back", "skip exporter-content", "skip exporter-cut",
		"skip exporter-cancelled"} {
		if got[what] == "" {
			t.Errorf("not: %s; %v", what, got)
		}
	}
}

// TestReadBackFails blames an importer that does not bring back what was written once, and nothing else for it.
func TestReadBackFails(t *testing.T) {
	got := notPassed(t, elsewhere(t, "none", "fails at the end"))
	for what, detail := range got {
		if strings.HasPrefix(what, "fail ") != (what == "fail exporter-read-back") {
			t.Errorf("%s: %s", what, detail)
		}
	}
	if got := got["fail exporter-read-back"]; !strings.Contains(got, "connection was lost") {
		t.Errorf("read back: %q", got)
	}
	if got := got["skip exporter-content"]; !strings.Contains(got, "because exporter-read-back failed") {
		t.Errorf("content: %q", got)
	}
}

// TestNoReadBack says of what cannot be looked at why it is not judged.
func TestNoReadBack(t *testing.T) {
	c := elsewhere(t, "none", "none")
	c.ReadBack = conformance.Program{}
	got := notPassed(t, c)
	for what := range got {
		if strings.HasPrefix(what, "fail ") {
			t.Errorf("%s: %s", what, got[what])
		}
	}
	if got := got["skip exporter-content"]; !strings.Contains(got, "has no importer of fis") {
		t.Errorf("content: %q", got)
	}
}

// TestSampleRefusedAgain blames no destination that refuses what it holds already, and says so: checks share its place.
func TestSampleRefusedAgain(t *testing.T) {
	c := elsewhere(t, "refuses files that are there", "none")
	c.Sample = mail(t)
	c.Only = []string{"exporter-answers", "exporter-again", "exporter-leaks", "exporter-one-failure", "exporter-many",
		"exporter-odd-records", "exporter-small-chunks"}
	got := notPassed(t, c)
	for what, detail := range got {
		if strings.HasPrefix(what, "fail ") {
			t.Errorf("%s: %s", what, detail)
		}
	}
	for _, what := range []string{"skip exporter-again", "skip exporter-leaks", "skip exporter-one-failure", "skip exporter-many"} {
		if !strings.Contains(got[what], "holds it already") {
			t.Errorf("%s: %q", what, got[what])
		}
	}
	c.Sample, c.Only = "", []string{"exporter-answers", "exporter-overwrite"}
	if got := notPassed(t, c)["fail exporter-overwrite"]; !strings.Contains(got, "is there already") {
		t.Errorf("overwrite: %q", got)
	}
}

// TestSampleNeeded is what happens to a destination for certain files that is sent any.
func TestSampleNeeded(t *testing.T) {
	got := notPassed(t, elsewhere(t, "is a mail server", "none"))
	if got := got["fail exporter-answers"]; !strings.Contains(got, "not a message") || !strings.Contains(got, "sample") {
		t.Errorf("got %q", got)
	}
}

// TestSampleThere does not take what an earlier test has written for the work of an exporter that writes nothing.
func TestSampleThere(t *testing.T) {
	c := elsewhere(t, "is a mail server", "none")
	c.Sample, c.Only = mail(t), []string{"exporter-answers", "exporter-content"}
	if got := notPassed(t, c); len(got) > 0 {
		t.Fatal(got)
	}
	if got := notPassed(t, c)["fail exporter-answers"]; !strings.Contains(got, "is there before it is sent") {
		t.Errorf("got %q", got)
	}
}

func TestBadSamples(t *testing.T) {
	for want, prepare := range map[string]func(dir string) error{
		"reading the sample": func(dir string) error { return os.Remove(dir) },
		"no file of two bytes": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o644)
		},
		"more than 64 MiB": func(dir string) error {
			file, err := os.Create(filepath.Join(dir, "file"))
			if err != nil {
				return err
			}
			defer file.Close()
			return file.Truncate(64<<20 + 1)
		},
		"more than 1000 entries": func(dir string) error { return entries(dir, 1001) },
	} {
		c := elsewhere(t, "none", "none")
		c.Sample = t.TempDir()
		if err := prepare(c.Sample); err != nil {
			t.Fatal(err)
		}
		if _, err := conformance.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

// entries makes files with a byte or two each.
func entries(dir string, count int) error {
	for i := range count {
		content := strings.Repeat("x", 1+i%2)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// TestLargestSample takes as many entries as it says.
func TestLargestSample(t *testing.T) {
	c := elsewhere(t, "none", "none")
	c.Sample, c.Only = t.TempDir(), []string{"exporter-nothing"}
	if err := entries(c.Sample, 1000); err != nil {
		t.Fatal(err)
	}
	if got := notPassed(t, c); len(got) > 0 {
		t.Error(got)
	}
}
