package create

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// Rebuild makes the package at path again from the source in dir and compares the SHA-256 with sum, the package's as
// verification found it. No findings means that the two are identical; otherwise each finding names a difference, what
// probably caused it first. The version and platform are those of the package's name; its time and compression those it
// records. The error is for what could not be done, a package that does not open and a source with errors included.
func Rebuild(ctx context.Context, dir, path, sum string) ([]finding.Finding, error) {
	identity, err := manifest.ParseFileName(filepath.Base(path))
	if err != nil {
		return nil, fmt.Errorf("rebuilding %s: %w", path, err)
	}
	platform, err := executable.ParsePlatform(identity.OS + "/" + identity.Arch)
	if err != nil {
		return nil, fmt.Errorf("rebuilding %s: %w", path, err)
	}
	original, err := ptarread.Open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("rebuilding %s: %w", path, err)
	}
	defer original.Close()

	scratch, err := os.MkdirTemp("", "kpkg-rebuild-")
	if err != nil {
		return nil, fmt.Errorf("making a folder to rebuild in: %w", err)
	}
	defer os.RemoveAll(scratch)

	recorded := recordedTime(original)
	r := &run{recorded: &recorded, opts: Options{
		Manifests: []string{dir}, Version: identity.Version, Platforms: []executable.Platform{platform}, OutDir: scratch,
		Compression: recordedCompression(original),
	}}
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	source := r.integrations[0]
	if source.Err != nil {
		return nil, source.Err
	}
	if finding.HasErrors(source.Findings) {
		return nil, fmt.Errorf("the source in %s has errors (%s): kpkg validate shows them", dir, finding.Tally(source.Findings))
	}

	builder, err := gobuild.NewBuilder(gobuild.Options{Jobs: 1, Fresh: true})
	if err != nil {
		return nil, err
	}
	defer builder.Close()
	output, err := builder.Build(ctx, source.plan, platform, source.moment.stamp(identity.Version))
	if err != nil {
		return nil, err
	}
	files, _, err := source.contents(platform, output.Files)
	if err != nil {
		return nil, err
	}
	again := filepath.Join(scratch, identity.FileName())
	if err := write(ctx, again, files, ptarbuild.Options{Time: source.moment.time, Compression: r.opts.Compression}); err != nil {
		return nil, err
	}
	c := comparison{ctx: ctx, file: path, original: original, files: files}
	return c.compare(sum, again)
}

// recordedTime is the one time of a package that kpkg made.
func recordedTime(p *ptarread.Package) time.Time {
	entry, _ := p.Entry(manifest.FileName)
	return entry.ModTime.UTC()
}

func recordedCompression(p *ptarread.Package) ptarbuild.Compression {
	for _, c := range ptarbuild.Compressions {
		if strings.EqualFold(string(c), p.Info().Compression) {
			return c
		}
	}
	return ptarbuild.DefaultCompression
}

func write(ctx context.Context, path string, files []ptarbuild.File, opts ptarbuild.Options) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("rebuilding: %w", err)
	}
	_, err = ptarbuild.Write(ctx, f, files, opts)
	return errors.Join(err, f.Close())
}

// comparison finds out why two packages differ.
type comparison struct {
	ctx      context.Context
	file     string
	original *ptarread.Package
	files    []ptarbuild.File
	findings []finding.Finding
}

func (c *comparison) differ(name, hint, format string, args ...any) {
	c.findings = append(c.findings, finding.Finding{
		Rule: "rebuild-differs", Severity: finding.Error, File: filepath.ToSlash(c.file) + name,
		Message: finding.Sprintf(format, args...), Hint: hint,
	})
}

// compare holds the package made again against the sum of the original.
func (c *comparison) compare(sum, again string) ([]finding.Finding, error) {
	sumAgain, _, err := sha256sum.File(c.ctx, again)
	if err != nil {
		return nil, fmt.Errorf("comparing: %w", err)
	}
	if sumAgain == sum {
		return nil, nil
	}
	names := map[string]bool{}
	for _, f := range c.files {
		names[f.Name] = true
		if err := c.compareFile(f); err != nil {
			return nil, fmt.Errorf("comparing %s: %w", f.Name, err)
		}
	}
	for _, e := range c.original.Entries() {
		if e.Mode.IsRegular() && !names[e.Path] {
			c.differ("/"+e.Path, "", "the source gives no such file")
		}
	}
	if len(c.findings) == 0 {
		c.differ("", "was it made by this version of kpkg, with the same --compression?", "all files are the same, the bytes around them are not")
	}
	return c.findings, nil
}

func (c *comparison) compareFile(f ptarbuild.File) error {
	entry, found := c.original.Entry(f.Name)
	if !found {
		c.differ("/"+f.Name, "", "the source gives this file, the package has none")
		return nil
	}
	if runs := entry.Mode&0o111 != 0; runs != f.Executable {
		c.differ("/"+f.Name, "", "the package has it with mode %v, the source gives executable %t", entry.Mode, f.Executable)
	}
	packed, err := c.original.OpenEntry(f.Name)
	if err != nil {
		return err
	}
	here, err := f.Open()
	if err != nil {
		return err
	}
	defer here.Close()
	offset, same, err := firstDifference(c.ctx, packed, here)
	if err != nil || same {
		return err
	}
	if at, ok := here.(io.ReaderAt); ok && f.Executable && c.compareBuilds(f.Name, packed, at) {
		return nil
	}
	c.differ("/"+f.Name, "", "differs from byte %d on", offset)
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
	before := len(c.findings)
	was, is := facts(a.Go), facts(b.Go)
	keys := slices.AppendSeq(slices.Collect(maps.Keys(was)), maps.Keys(is))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		if was[key] != is[key] {
			c.differ("/"+name, "", "%s was %s when the package was made, and is %s here", key, orNone(was[key]), orNone(is[key]))
		}
	}
	return len(c.findings) > before
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
			for i := range min(n, m) {
				if bufA[i] != bufB[i] {
					return offset + int64(i), false, nil
				}
			}
			return offset + int64(min(n, m)), false, nil
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
