package create

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// comparison finds out why two packages differ.
type comparison struct {
	ctx             context.Context
	file            string // the original's
	original, again *ptarread.Package
	findings        []finding.Finding
}

func (c *comparison) differ(name, hint, format string, args ...any) {
	c.findings = append(c.findings, finding.Finding{
		Rule: "rebuild-differs", Severity: finding.Error, File: filepath.ToSlash(c.file) + name,
		Message: finding.Sprintf(format, args...), Hint: hint,
	})
}

// compare names what differs between the packages, of which it is known that something does.
func (c *comparison) compare() ([]finding.Finding, error) {
	for _, e := range c.again.Entries() {
		if !e.Mode.IsRegular() {
			continue
		}
		if err := c.compareFile(e); err != nil {
			return nil, fmt.Errorf("comparing %s: %w", e.Path, err)
		}
	}
	for _, e := range c.original.Entries() {
		if _, found := c.again.Entry(e.Path); e.Mode.IsRegular() && !found {
			c.differ("/"+e.Path, "", "the source gives no such file")
		}
	}
	if len(c.findings) == 0 {
		c.differ("", "was it made by this version of kpkg, with the same --compression?",
			"all files are the same, the bytes around them are not")
	}
	return c.findings, nil
}

func (c *comparison) compareFile(here ptarread.Entry) error {
	there, found := c.original.Entry(here.Path)
	if !found {
		c.differ("/"+here.Path, "", "the source gives this file, the package has none")
		return nil
	}
	runs := here.Mode&0o111 != 0
	if (there.Mode&0o111 != 0) != runs {
		c.differ("/"+here.Path, "", "the package has it with mode %v, the source gives executable %t", there.Mode, runs)
	}
	packed, err := c.original.OpenEntry(here.Path)
	if err != nil {
		return err
	}
	made, err := c.again.OpenEntry(here.Path)
	if err != nil {
		return err
	}
	offset, same, err := firstDifference(c.ctx, packed, made)
	if err != nil || same {
		return err
	}
	if runs && c.compareBuilds(here.Path, packed, made) {
		return nil
	}
	c.differ("/"+here.Path, "", "differs from byte %d on", offset)
	return nil
}

// compareBuilds says what Go recorded differently in two executables; false when that explains nothing.
func (c *comparison) compareBuilds(name string, packed, here io.ReaderAt) bool {
	a, err := executable.Inspect(packed)
	if err != nil || a.Go == nil {
		return false
	}
	b, err := executable.Inspect(here)
	if err != nil || b.Go == nil {
		return false
	}
	said := len(c.findings)
	was, is := facts(a.Go), facts(b.Go)
	keys := slices.AppendSeq(slices.Collect(maps.Keys(was)), maps.Keys(is))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		if was[key] != is[key] {
			c.differ("/"+name, "", "%s was %s when the package was made, and is %s here", key, orNone(was[key]), orNone(is[key]))
		}
	}
	return len(c.findings) > said
}

// facts are all that decides what Go builds, as far as the executable tells.
func facts(info *debug.BuildInfo) map[string]string {
	all := map[string]string{"the Go version": info.GoVersion, "the main package": info.Path}
	for _, s := range info.Settings {
		all["build setting "+s.Key] = s.Value
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		version := m.Version
		if m.Replace != nil {
			version += " replaced by " + m.Replace.Path + " " + m.Replace.Version
		}
		all["module "+m.Path] = version
	}
	return all
}

func orNone(s string) string {
	if s == "" {
		return "not there"
	}
	return s
}

// firstDifference compares two contents.
func firstDifference(ctx context.Context, a, b io.Reader) (offset int64, same bool, err error) {
	bufA, bufB := make([]byte, 256<<10), make([]byte, 256<<10)
	for {
		if err := ctx.Err(); err != nil {
			return 0, false, context.Cause(ctx)
		}
		n, errA := io.ReadFull(a, bufA)
		m, errB := io.ReadFull(b, bufB)
		if !bytes.Equal(bufA[:n], bufB[:m]) {
			at := 0
			for at < min(n, m) && bufA[at] == bufB[at] {
				at++
			}
			return offset + int64(at), false, nil
		}
		offset += int64(n)
		if errA != nil || errB != nil {
			return 0, true, errors.Join(unlessEnd(errA), unlessEnd(errB))
		}
	}
}

func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
