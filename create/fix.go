package create

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Fixed is what was repaired of a manifest.
type Fixed struct {
	File    string            `json:"file"`
	Repairs []manifest.Repair `json:"repairs"`
	// Diff is the change as diff -u has it, Written whether it was made in the file.
	Diff    string `json:"diff"`
	Written bool   `json:"written"`
}

// fix repairs the manifest, and puts what comes of it into its file, whole or not at all.
func (s *Source) fix(ctx context.Context, write bool) error {
	name, before := s.Document.File, s.Document.Raw
	after, repairs, err := manifest.Fix(ctx, before)
	if err != nil || len(repairs) == 0 {
		return err
	}
	s.Fixed = &Fixed{File: name, Repairs: repairs, Diff: string(diff.Diff("a/"+name, before, "b/"+name, after))}
	s.Document = manifest.Read(name, after)
	if !write {
		return nil
	}
	info, err := os.Lstat(name)
	if err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	if !info.Mode().IsRegular() { // it would be replaced by a file
		return fmt.Errorf("%s is a link: name the manifest itself", name)
	}
	err = place.File(ctx, name, true, func(temporary string) error {
		if err := os.WriteFile(temporary, after, 0o600); err != nil {
			return err
		}
		return os.Chmod(temporary, info.Mode().Perm())
	}, func(string) error {
		if now, err := regular.Read(name, manifest.MaxSize+1); err != nil || !bytes.Equal(now, before) {
			return fmt.Errorf("%s was changed while it was repaired: something else writes there", name)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	s.Fixed.Written = true
	return nil
}
