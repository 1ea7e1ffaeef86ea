package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

// The files of a release beside its packages and their sums.
const (
	// NotesName is what changed.
	NotesName = "NOTES.md"
	// PartsExtension and ProvenanceExtension end the names of what is said of each package: what it is made of, and how.
	PartsExtension      = ".cdx.json"
	ProvenanceExtension = ".provenance.json"
)

// describe writes all that goes with the packages in dir, and the sum and the signature of everything.
func (r *Release) describe(ctx context.Context, dir string, opts Options) error {
	recipe, err := Recipe{Name: r.name(), Version: r.Tag, Repository: r.repository}.Marshal()
	if err != nil {
		return err
	}
	files := map[string][]byte{RecipeName: recipe, NotesName: r.notes()}
	for _, p := range r.packages {
		made, err := r.takeApart(ctx, filepath.Join(dir, p.Name), p.images)
		if err != nil {
			return fmt.Errorf("looking into %s: %w", p.Name, err)
		}
		if files[p.Name+PartsExtension], err = r.partsList(p, made); err != nil {
			return fmt.Errorf("listing the parts of %s: %w", p.Name, err)
		}
		if files[p.Name+ProvenanceExtension], err = r.provenance(p, made, opts); err != nil {
			return fmt.Errorf("telling the provenance of %s: %w", p.Name, err)
		}
	}
	expected := map[string]bool{}
	expect := func(name string) {
		expected[name], expected[name+SumExtension] = true, true
		if opts.Key != nil {
			expected[name+SignatureExtension] = true
		}
	}
	for name, data := range files {
		expect(name)
		if err := r.write(ctx, filepath.Join(dir, name), data); err != nil {
			return err
		}
	}
	for _, p := range r.packages {
		expect(p.Name)
		if p.images != nil {
			expect(p.images.File)
			r.Images = append(r.Images, *p.images)
		}
	}
	// What an earlier run has left that is no part of this release, such as signatures of another key.
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !expected[entry.Name()] {
			if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	for _, entry := range entries {
		name := entry.Name()
		if !expected[name] || strings.HasSuffix(name, SumExtension) || strings.HasSuffix(name, SignatureExtension) {
			continue
		}
		path := filepath.Join(dir, name)
		var sum Sum
		if opts.Key != nil {
			sum, err = Sign(ctx, path, opts.Key)
		} else {
			sum, err = WriteSum(ctx, path)
		}
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		r.Files = append(r.Files, File{name, info.Size(), sum.SHA256})
	}
	r.Dir = dir
	return r.checkPackages()
}

// checkPackages holds the packages to what was verified: nothing else may have come into the folder since.
func (r *Release) checkPackages() error {
	for _, p := range r.packages {
		if !slices.Contains(r.Files, File{p.Name, p.Size, p.SHA256}) {
			return fmt.Errorf("%s was changed after it was verified: something else writes there", p.Name)
		}
		if i := p.images; i != nil && !slices.Contains(r.Files, File{i.File, i.Size, i.SHA256}) {
			return fmt.Errorf("%s was changed after it was verified: something else writes there", i.File)
		}
	}
	return nil
}

// write writes a file of the release, and leaves one that is there already, and no sum of another.
func (r *Release) write(ctx context.Context, path string, data []byte) error {
	there, err := regular.Read(path, int64(len(data))+1)
	if err == nil && bytes.Equal(there, data) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := removeIfThere(path + SumExtension); err != nil {
		return err
	}
	return writeNew(ctx, path, data, true)
}

// notes are the notes of the release, in Markdown.
func (r *Release) notes() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s %s\n", r.name(), r.Version)
	if len(r.Changes) > 0 {
		fmt.Fprintf(&b, "\n## What users will notice since %s\n\n", r.Previous)
		for _, c := range r.Changes {
			fmt.Fprintf(&b, "- %s: %s (%s)\n", inline(c.Subject), inline(c.Message), c.Step)
		}
	}
	if len(r.commits) > 0 {
		fmt.Fprintf(&b, "\n## Commits\n\n")
		for _, c := range r.commits {
			fmt.Fprintf(&b, "- %s (%s)\n", inline(c.Subject), c.Hash)
		}
		if len(r.commits) == maxCommits {
			fmt.Fprintf(&b, "- and older ones\n")
		}
	}
	return []byte(b.String())
}

// inline is a text that stays one line of Markdown, without what would be markup or HTML.
func inline(text string) string {
	text = finding.Printable(strings.Join(strings.Fields(text), " "))
	return strings.NewReplacer(`\`, `\\`, "<", "&lt;", ">", "&gt;", "[", `\[`, "]", `\]`, "*", `\*`, "_", `\_`, "`", "\\`").Replace(text)
}
