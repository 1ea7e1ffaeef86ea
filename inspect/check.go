package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/PlakarKorp/kloset/objects"
	"github.com/PlakarKorp/kloset/snapshot/vfs"
	"github.com/dustin/go-humanize/english"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// Checked is a ptar of which every byte was looked at.
type Checked struct {
	File      string
	Size      int64
	Snapshots int
	// Blobs is how many blobs were compared with their MACs, Unpacked how many bytes they decode to. Of one snapshot alone they are
	// Entries, and what their contents have.
	Blobs, Entries int
	Unpacked       int64
	// Problems are what is wrong; Err is why it could not be looked at, or not at all of it.
	Problems []ptarread.Problem
	Err      error
}

// Check compares every byte of the ptar at path with what it should be.
func Check(ctx context.Context, path string, options ptarread.Options) Checked {
	c := Checked{File: path}
	in, size, err := ptarread.OpenInput(ctx, path)
	if err != nil {
		c.Failed(err)
		return c
	}
	defer in.Close()
	c.Size = size
	archive, err := ptarread.NewArchive(ctx, in, size, options)
	if err != nil {
		c.Failed(err)
		return c
	}
	defer archive.Close()
	return CheckArchive(ctx, path, archive)
}

// CheckArchive is Check for an archive that is open, whatever it is called.
func CheckArchive(ctx context.Context, name string, archive *ptarread.Archive) Checked {
	c := Checked{File: name, Size: archive.Size(), Snapshots: len(archive.Snapshots())}
	checked, problems, err := archive.Check(ctx)
	c.Blobs, c.Unpacked, c.Problems = checked.Blobs, checked.Unpacked, problems
	c.Failed(err)
	return c
}

// CheckSnapshot reads one snapshot of an archive that is open, every entry and all contents, and nothing else. The archive may be
// large.
func CheckSnapshot(ctx context.Context, name string, archive *ptarread.Archive, id string) Checked {
	c := Checked{File: name, Size: archive.Size(), Snapshots: 1}
	snapshot, err := archive.Snapshot(ctx, id)
	if err != nil {
		c.Failed(err)
		return c
	}
	content := func(path string, object objects.MAC) error {
		r, err := snapshot.Content(ctx, object)
		if err == nil {
			var n int64
			n, err = io.Copy(io.Discard, r)
			c.Unpacked += n
		}
		return c.hit(path, err)
	}
	err = snapshot.Walk(ctx, "/", func(path string, e *vfs.Entry, err error) error {
		c.Entries++
		if err != nil || !e.HasObject() {
			return c.hit(path, err)
		}
		return content(path, e.Object)
	})
	if err == nil {
		err = snapshot.Attributes(ctx, func(a ptarread.Attribute) error { return content(a.Path, a.Object) })
	}
	if err == nil {
		err = snapshot.Failures(ctx, func(ptarread.Failure) error { return nil })
	}
	c.Failed(err)
	return c
}

// maxHits is how many problems of a snapshot are looked for.
const maxHits = 100

// hit keeps the problem of an entry, and passes any other error on.
func (c *Checked) hit(path string, err error) error {
	var problem *ptarread.Problem
	if !errors.As(err, &problem) {
		return err
	}
	if len(c.Problems) == maxHits {
		return err
	}
	kept := *problem
	kept.Offset, kept.Files, kept.Hit = -1, []string{path}, 1
	c.Problems = append(c.Problems, kept)
	return nil
}

// Failed keeps an error, unless it is nil: that of the file itself is a problem.
func (c *Checked) Failed(err error) {
	if err == nil {
		return
	}
	var problem *ptarread.Problem
	if errors.As(err, &problem) {
		c.Problems = append(c.Problems, *problem)
		return
	}
	c.Err = fmt.Errorf("check %s: %w", c.File, err)
}

// Findings are the problems as findings.
func (c Checked) Findings() []finding.Finding {
	var all []finding.Finding
	for _, p := range c.Problems {
		f := finding.Finding{Rule: "archive-damaged", Severity: finding.Error, File: c.File, Message: p.Error()}
		switch p.Kind {
		case ptarread.Damaged:
			f.Hint = "take another copy; kpkg extract extracts all that is not hit"
		case ptarread.Inconsistent, ptarread.Snapshots:
			f.Hint = "no writer makes such a file: it was forged, or damaged before it was written"
		default:
			f.Rule = "archive-format"
		}
		if len(p.Files) > 0 {
			f.Message += ", which hits " + hits(p)
		}
		all = append(all, f)
	}
	return all
}

// hits names files that a problem is about, as many as a line holds, and counts them.
func hits(p ptarread.Problem) string {
	names := finding.Cut(strings.Join(p.Files, ", "))
	if p.Hit > len(p.Files) {
		names += fmt.Sprintf(", and %d more", p.Hit-len(p.Files))
	}
	return names
}

// CheckReport is the report of what a command has checked.
func CheckReport(command string, all []Checked) *finding.Report {
	type item struct {
		File      string            `json:"file"`
		Size      int64             `json:"size"`
		Snapshots int               `json:"snapshots"`
		Blobs     int               `json:"blobs"`
		Unpacked  int64             `json:"unpacked"`
		Problems  []problemItem     `json:"problems"`
		Findings  []finding.Finding `json:"findings"`
	}
	report := &finding.Report{Command: command}
	items := []item{}
	for _, c := range all {
		one := item{c.File, c.Size, c.Snapshots, c.Blobs, c.Unpacked, []problemItem{}, []finding.Finding{}}
		one.Findings = append(one.Findings, report.Add(c.Findings()...)...)
		if c.Err != nil {
			one.Findings = append(one.Findings, report.Fail(c.File, c.Err)...)
		}
		for _, p := range c.Problems {
			one.Problems = append(one.Problems, problemItem{
				p.Kind.String(), p.Region, max(p.Offset, -1), finding.CutMessage(p.Message), cutAll(p.Files), p.Hit,
			})
		}
		report.Cases = append(report.Cases, finding.CaseOf(c.File, "check", one.Findings))
		items = append(items, one)
	}
	report.Lists = []finding.List{finding.NewList("checked", items)}
	return report
}

type problemItem struct {
	Kind    string   `json:"kind"`
	Region  string   `json:"region"`
	Offset  int64    `json:"offset"`
	Message string   `json:"message"`
	Files   []string `json:"files"`
	Hit     int      `json:"hit"`
}

func cutAll(names []string) []string {
	cut := make([]string, len(names))
	for i, name := range names {
		cut[i] = finding.Cut(name)
	}
	return cut
}

// Summary is a line on what was checked.
func (c Checked) Summary() string {
	what := english.Plural(c.Blobs, "blob", "")
	if c.Entries > 0 {
		what = english.Plural(c.Entries, "entry", "entries")
	}
	return fmt.Sprintf("%s, %s", english.Plural(c.Snapshots, "snapshot", ""), what)
}
