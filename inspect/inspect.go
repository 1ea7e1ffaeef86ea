package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/remote"
	"github.com/PlakarKorp/kpkg/verify"
)

// Ptar is all that there is to say of a ptar.
type Ptar struct {
	File string
	Size int64
	Info ptarread.Info
	// Snapshots are all of it, or the one that was asked for.
	Snapshots []ptarread.SnapshotInfo
	Layout    []ptarread.Region
	// Tree is what it is made of, the largest first, if it was asked for: of an archive, its youngest snapshot.
	Tree []Node
	// Package is what the verification of a package says, nil for archives.
	Package *Package
}

// Package is what is in a package.
type Package struct {
	*verify.Report
	// Manifest is manifest.yaml as it is packed, its first 64 KiB.
	Manifest string
	// Programs are the executables, with all that Go says of them.
	Programs []Program
	// Made is what the package says of when and where it was made.
	Made []ptarread.Recorded
	Time time.Time
}

// Program is an executable of a package.
type Program struct {
	verify.Executable
	// All are the modules it is made of, the main one first. Settings are those of its build.
	All      []Module
	Settings []Setting
	// Sizes are bytes by module, the largest first; "" is what is of no module. None of a program that Go did not make.
	Sizes []executable.ModuleSize
}

// Module is a Go module in a program. Replaced is what stands in its place, if anything does.
type Module struct{ Path, Version, Replaced string }

// Setting is a setting of a Go build.
type Setting struct{ Key, Value string }

// maxManifest is how much of a manifest is shown.
const maxManifest = 64 << 10

// Options say how to inspect.
type Options struct {
	// Snapshot is the one to tell of: see OpenSnapshot. "" tells of all.
	Snapshot string
	// Tree is whether to sum sizes, for which all entries are read.
	Tree       bool
	Passphrase func(context.Context) ([]byte, error)
}

// File inspects the ptar at path. A package is verified on the way; what is wrong with it is in its findings.
func File(ctx context.Context, path string, opts Options) (*Ptar, error) {
	in, size, err := ptarread.OpenInput(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer in.Close()
	archive, err := ptarread.NewArchive(ctx, in, size, ptarread.Options{Passphrase: opts.Passphrase})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer archive.Close()
	p := &Ptar{File: path, Info: archive.Info(), Snapshots: archive.Snapshots(), Layout: archive.Layout()}
	for _, r := range p.Layout {
		p.Size += r.Length
	}
	if opts.Snapshot != "" {
		snapshot, err := archive.Snapshot(ctx, opts.Snapshot)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", path, err)
		}
		p.Snapshots = []ptarread.SnapshotInfo{snapshot.Info()}
	}
	if len(archive.Snapshots()) == 1 && len(p.Snapshots[0].Sources) == 1 && slices.Contains(packagers, p.Snapshots[0].Sources[0].Type) {
		if remote.Is(path) {
			// All of a package is read, and in no order.
			kept, err := remote.Keep(ctx, in)
			if err != nil {
				return nil, fmt.Errorf("open %s: %w", path, err)
			}
			defer kept.Close()
			in = kept
		}
		if p.Package, err = inspectPackage(ctx, path, in, size); err == nil && opts.Tree {
			p.Tree = p.Package.tree()
		}
		return p, err
	}
	if opts.Tree && len(p.Snapshots) > 0 {
		snapshot, err := archive.Snapshot(ctx, p.Snapshots[len(p.Snapshots)-1].ID)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", path, err)
		}
		if p.Tree, err = folders(ctx, snapshot); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func inspectPackage(ctx context.Context, path string, r io.ReaderAt, size int64) (*Package, error) {
	report, err := verify.Reader(ctx, r, size, verify.Options{Name: path})
	if err != nil {
		return nil, err
	}
	p := &Package{Report: report}
	pkg, err := ptarread.New(ctx, r, size)
	if err != nil {
		if problem := (*ptarread.Problem)(nil); errors.As(err, &problem) {
			return p, nil // the report says so
		}
		return nil, err
	}
	if content, err := pkg.OpenEntry("manifest.yaml"); err == nil {
		if text, err := io.ReadAll(io.LimitReader(content, maxManifest)); err == nil {
			p.Manifest = strings.ToValidUTF8(string(text), "\uFFFD")
		}
	}
	p.Made = pkg.Origin()
	for _, t := range pkg.Info().Times {
		if t.After(p.Time) {
			p.Time = t
		}
	}
	for _, e := range report.Executables {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		p.Programs = append(p.Programs, program(pkg, e))
	}
	return p, nil
}

// program reads what Go wrote into an executable.
func program(pkg *ptarread.Package, e verify.Executable) Program {
	p := Program{Executable: e}
	content, err := pkg.OpenEntry(e.Path)
	if err != nil {
		return p
	}
	binary, err := executable.Inspect(content)
	if err != nil || binary.Go == nil {
		return p
	}
	main := binary.Go.Main
	if main.Path != "" {
		p.All = append(p.All, Module{Path: finding.Cut(main.Path), Version: finding.Cut(main.Version)})
	}
	for _, m := range binary.Go.Deps {
		one := Module{Path: finding.Cut(m.Path), Version: finding.Cut(m.Version)}
		if r := m.Replace; r != nil {
			one.Replaced = strings.TrimSpace(finding.Cut(r.Path) + " " + finding.Cut(r.Version))
		}
		p.All = append(p.All, one)
	}
	for _, s := range binary.Go.Settings {
		p.Settings = append(p.Settings, Setting{finding.Cut(s.Key), finding.Cut(s.Value)})
	}
	if sizes, err := executable.SizesByModule(content, e.Size, binary.Go); err == nil {
		p.Sizes = sizes
	}
	return p
}

// Findings are those on a package; an archive has none.
func (p *Ptar) Findings() []finding.Finding {
	if p.Package == nil {
		return nil
	}
	return p.Package.Findings
}

// Compression is the word for how a ptar is compressed.
func (p *Ptar) Compression() string { return cmp.Or(p.Info.Compression, "none") }

// Encryption is the word for how a ptar is encrypted.
func (p *Ptar) Encryption() string {
	if p.Info.Encryption == "" {
		return "none"
	}
	return p.Info.Encryption + ", " + p.Info.KDF
}
