package create

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
)

func TestEpochSeconds(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "1700000000": 1700000000, strconv.Itoa(lastSecond): lastSecond,
		"": -1, "-1": -1, "x": -1, "1.5": -1, strconv.Itoa(lastSecond + 1): -1, strconv.Itoa(math.MaxInt64): -1,
	} {
		got, err := epochSeconds("it", text)
		if (err == nil) != (want >= 0) || err == nil && (got.Unix() != want || got.Location() != time.UTC) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	if time.Unix(lastSecond, 999_999_999).UnixNano() < 0 {
		t.Error("the last second has no nanoseconds")
	}
}

// TestOrigin holds where the time of a package is from.
func TestOrigin(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SOURCE_DATE_EPOCH", "") // which has it restored
	os.Unsetenv("SOURCE_DATE_EPOCH")
	o, err := findOrigin(t.Context(), dir)
	if err != nil || o.source != FromNone || o.time.Unix() != 0 || o.commit != "" || o.stamp("v1").Date != "" {
		t.Errorf("without anything: %+v, %v", o, err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	o, err = findOrigin(t.Context(), dir)
	if err != nil || o.source != FromEpoch || o.time.Unix() != 1700000000 {
		t.Errorf("of the environment: %+v, %v", o, err)
	}
	if stamp := o.stamp("v1"); stamp.Date != "2023-11-14T22:13:20Z" || stamp.Version != "v1" {
		t.Errorf("stamp %+v", stamp)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if _, err := findOrigin(t.Context(), dir); err == nil {
		t.Error("an impossible time is none")
	}
	if err := (Options{}).check(); err == nil {
		t.Error("options are right with an impossible time")
	}
}

func TestOptionsCheck(t *testing.T) {
	two := []executable.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}}
	for _, test := range []struct {
		opts Options
		ok   bool
	}{
		{Options{}, true},
		{Options{Output: "x.ptar"}, true},
		{Options{Output: "x.ptar", Platforms: two[:1], Manifests: []string{"a"}}, true},
		{Options{OutDir: "x", All: true, Platforms: two, Manifests: []string{"a", "b"}}, true},
		{Options{Output: "x.ptar", OutDir: "y"}, false},
		{Options{Output: "x.ptar", All: true}, false},
		{Options{Output: "x.ptar", Platforms: two}, false},
		{Options{Output: "x.ptar", Manifests: []string{"a", "b"}}, false},
		{Options{Output: "-"}, false},
		{Options{Output: "x/"}, false},
	} {
		if err := test.opts.check(); (err == nil) != test.ok || err != nil && !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", test.opts, err)
		}
	}
}

func TestSome(t *testing.T) {
	for text, want := range map[string]string{
		"a": "a", "a b c d e": "a, b, c, d, e", "a b c d e f": "a, b, c, d, e and 1 more", "a b c d e f g": "a, b, c, d, e and 2 more",
	} {
		if got := some(strings.Fields(text)); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestMatrix(t *testing.T) {
	asked := []executable.Platform{{OS: "linux", Arch: "amd64"}, {OS: "windows", Arch: "arm64"}}
	doc := manifest.Read("x/manifest.yaml", []byte("name: x\n"))
	m, err := NewMatrix([]*Source{{Document: doc}}, asked)
	want := Matrix{Include: []MatrixElement{
		{Name: "x", Manifest: "x/manifest.yaml", Platform: asked[0], OS: "linux", Arch: "amd64"},
		{Name: "x", Manifest: "x/manifest.yaml", Platform: asked[1], OS: "windows", Arch: "arm64"},
	}}
	if diff := cmp.Diff(want, m); err != nil || diff != "" {
		t.Error(err, diff)
	}
	s := &Source{}
	if got, err := s.platforms(nil, false); err != nil || len(got) != 1 || got[0] != executable.Host() {
		t.Errorf("by itself: %v, %v", got, err)
	}
}

// TestSameFile holds that two packages of one name are an error before anything is made.
func TestSameFile(t *testing.T) {
	text := "name: x\nlicense: ISC\nconnectors:\n- {type: importer, protocols: [xx], executable: x}\n"
	_, a := source(t, text, map[string][]byte{"x": []byte("#!/bin/sh\n")})
	_, b := source(t, text, map[string][]byte{"x": []byte("#!/bin/sh\n")})
	opts := Options{Manifests: []string{a}, Version: "v1.0.0", OutDir: t.TempDir(), NoBuild: true, DryRun: true}
	if made, err := Run(t.Context(), opts); err != nil || len(made[0].Packages) != 1 {
		t.Fatalf("one: %v, %v", made[0].Findings, err)
	}
	opts.Manifests = []string{a, b}
	if _, err := Run(t.Context(), opts); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "would both make") {
		t.Errorf("two of one name: %v", err)
	}
}

// TestLargeFiles holds the limits on what is packed, before a byte of it is read.
func TestLargeFiles(t *testing.T) {
	const text = "name: x\nconnectors:\n- {type: importer, protocols: [xx], executable: x, extra_files: [a, b, c, d]}\n"
	other := int64(len(text) + len("#!/bin/sh\n"))
	sizes := func(sizes ...int64) string {
		t.Helper()
		_, dir := source(t, text, map[string][]byte{"x": []byte("#!/bin/sh\n")})
		for i, size := range sizes {
			name := filepath.Join(dir, string(rune('a'+i)))
			if err := os.WriteFile(name, nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(name, size); err != nil { // takes no room
				t.Fatal(err)
			}
		}
		integrations, err := Run(t.Context(), Options{Manifests: []string{dir}, Version: "v1.0.0", OutDir: t.TempDir(), NoBuild: true, DryRun: true})
		if err != nil || len(integrations[0].Packages) != 1 {
			t.Fatalf("%v, %v", err, integrations[0].Findings)
		}
		return message(integrations[0].Packages[0].Err)
	}
	rest := int64(ptarread.MaxUnpacked) - other
	var full [4]int64
	for i := range full {
		full[i] = min(rest, ptarread.MaxFile)
		rest -= full[i]
	}
	if rest > 0 {
		t.Fatalf("%d bytes are left: it takes more files", rest)
	}
	for _, test := range []struct {
		sizes [4]int64
		want  string
	}{
		{[4]int64{ptarread.MaxFile, 1, 1, 1}, ""},
		{[4]int64{ptarread.MaxFile + 1, 1, 1, 1}, "a file of a package holds at most"},
		{full, ""},
		{[4]int64{full[0], full[1], full[2], full[3] + 1}, "together, and a package holds at most"},
	} {
		if got := sizes(test.sizes[:]...); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%v: %s", test.sizes, got)
		}
	}
}

// TestPrune holds that old receipts go and others stay.
func TestPrune(t *testing.T) {
	r := receipts{dir: t.TempDir()}
	for name, age := range map[string]time.Duration{"old": receiptAge + time.Hour, "young": receiptAge - time.Hour} {
		path := filepath.Join(r.dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	r.prune()
	if left, err := filepath.Glob(filepath.Join(r.dir, "*")); err != nil || len(left) != 1 || filepath.Base(left[0]) != "young" {
		t.Errorf("left %v, %v", left, err)
	}
}
