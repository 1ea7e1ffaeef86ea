package web

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/inspect"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/verify"
)

// evil is what a stranger may call anything.
const evil = "<script>alert(1)</script>\"'><img src=x onerror=y>\x1b[31m"

func evilPtar() *inspect.Ptar {
	long := evil + strings.Repeat("x", 100_000)
	info := ptarread.Info{Compression: evil, Hashing: evil, StateVersion: long, RepositoryID: evil}
	info.Chunking.Algorithm = long
	program := inspect.Program{
		All: []inspect.Module{{Path: evil, Version: long, Replaced: evil}}, Settings: []inspect.Setting{{Key: evil, Value: long}},
		Sizes: []executable.ModuleSize{{Module: long, Code: 5}, {Module: "", Data: 3}},
	}
	program.Path, program.Go, program.Format, program.OS = long, evil, evil, evil
	return &inspect.Ptar{
		File: "/tmp/" + evil, Size: 10, Info: info,
		Snapshots: []ptarread.SnapshotInfo{{ID: evil, Time: time.Now(), Sources: []ptarread.Source{{Type: evil, Origin: long, Root: evil, Errors: 3}}}},
		Layout:    []ptarread.Region{{Name: evil, Offset: 1, Length: 2}},
		Tree:      []inspect.Node{{Name: evil, Bytes: 100, Parts: []inspect.Node{{Name: long, Bytes: 60}, {Name: evil, Bytes: 40}}}, {Name: "b", Bytes: 50}},
		Package: &inspect.Package{
			Report: &verify.Report{
				Name: evil, Version: evil, OS: evil, Arch: evil, SHA256: evil,
				Connectors: []verify.Connector{{Type: evil, Protocols: []string{evil, long}, Executable: long}},
				Clients:    []verify.Client{{Versions: evil, Refusals: []string{long}}},
				Checks:     []verify.Check{{ID: evil, Unit: evil}},
				Findings:   []finding.Finding{{Rule: "x", Severity: finding.Error, Message: long, Hint: evil}},
			},
			Manifest: evil, Programs: []inspect.Program{program},
		},
	}
}

// Whatever the strings of a ptar are, the page holds no markup of theirs, nothing that runs or loads, and is not flooded.
func TestPageEscapes(t *testing.T) {
	for _, p := range []*inspect.Ptar{evilPtar(), {File: evil, Snapshots: evilPtar().Snapshots, Tree: evilPtar().Tree}} {
		var out bytes.Buffer
		if err := Ptar(&out, p); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		for _, bad := range []string{"<script", "<img", "\x1b", "http://", "https://", "url(", "@import", "ZgotmplZ"} {
			if strings.Contains(text, bad) {
				t.Errorf("the page has %q", bad)
			}
		}
		if found := regexp.MustCompile(`<[a-z]+[^>]* (on[a-z]+|style|href|src)=`).FindString(text); found != "" {
			t.Errorf("the page has %s", found)
		}
		if len(text) > 100_000 {
			t.Errorf("the page has %d bytes", len(text))
		}
		if !strings.Contains(text, `http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-`) {
			t.Error("the page has no policy")
		}
	}
}

// The page says which of several snapshots its sizes are of, and counts one thing as one.
func TestPageOfSeveral(t *testing.T) {
	p := &inspect.Ptar{File: "a.ptar", Tree: []inspect.Node{{Name: "a", Bytes: 1}}}
	for _, id := range []string{"0123456789", "abcdefabcd"} {
		p.Snapshots = append(p.Snapshots, ptarread.SnapshotInfo{ID: id, Sources: []ptarread.Source{{Type: "fs", Root: "/"}}})
		var out bytes.Buffer
		if err := Ptar(&out, p); err != nil {
			t.Fatal(err)
		}
		several := len(p.Snapshots) > 1
		if strings.Contains(out.String(), "of snapshot abcdefab<") != several {
			t.Errorf("%d: which snapshot the sizes are of is not said right", len(p.Snapshots))
		}
		if strings.Contains(out.String(), "<b>1</b><span>snapshot<") == several {
			t.Errorf("%d snapshots are not counted right", len(p.Snapshots))
		}
	}
	for many, one := range map[string]string{"entries": "entry", "blobs": "blob", "file name": "file name"} {
		if unit(1, many) != one || unit(2, many) != many {
			t.Errorf("one of %s is %s", many, unit(1, many))
		}
	}
}

// The boxes of a map have the areas of what they stand for, and do not overlap.
func TestSquarify(t *testing.T) {
	sizes := []float64{500, 300, 100, 50, 25, 12, 8, 3, 1, 1}
	in := rect{10, 20, 300, 200}
	boxes := squarify(sizes, in)
	if len(boxes) != len(sizes) {
		t.Fatalf("%d boxes", len(boxes))
	}
	for i, b := range boxes {
		if want := sizes[i] / 1000 * 60000; math.Abs(b.W*b.H-want) > 1 {
			t.Errorf("box %d has %.1f, not %.1f", i, b.W*b.H, want)
		}
		if b.X < in.X-0.01 || b.Y < in.Y-0.01 || b.X+b.W > in.X+in.W+0.01 || b.Y+b.H > in.Y+in.H+0.01 {
			t.Errorf("box %d is outside: %+v", i, b)
		}
		for j, o := range boxes[:i] {
			if min(b.X+b.W, o.X+o.W)-max(b.X, o.X) > 0.01 && min(b.Y+b.H, o.Y+o.H)-max(b.Y, o.Y) > 0.01 {
				t.Errorf("boxes %d and %d overlap", i, j)
			}
		}
	}
	if boxes[0].W/boxes[0].H > 3 || boxes[0].H/boxes[0].W > 3 {
		t.Errorf("the largest is %+v", boxes[0])
	}
	for _, in := range []rect{{}, {0, 0, -5, 5}} {
		squarify(sizes, in)
	}
}
