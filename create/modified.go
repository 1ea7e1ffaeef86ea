package create

import (
	"context"
	"fmt"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/internal/git"
)

// packagePattern is that of paths that make no source modified: packages, which are often made in the tree itself.
const packagePattern = "**/*.ptar"

// checkModified reports a source that is not the commit that the package will name, by its version or by a stamp. The source
// is all of the Go module, or the manifest's folder where there is none.
func (i *Integration) checkModified(ctx context.Context, strict bool) ([]finding.Finding, error) {
	f := finding.Finding{
		Rule: "source-modified", Severity: finding.Warning, File: i.Source.Document.File,
		Hint: "commit what belongs to it, have git ignore the rest",
	}
	if strict {
		f.Severity = finding.Error
	}
	var commit string
	switch {
	case i.plan.Stamps(".Commit"), i.plan.Stamps(".Date") && i.origin.source == FromCommit:
		commit = "the commit that build.ldflags names"
		f.Line, f.Column = i.Source.Document.Position("build", "ldflags")
	case i.Version.Tagged:
		commit = "the commit that is tagged " + i.Version.Value
	default:
		return nil, nil
	}
	dir := i.Source.Dir
	if root, found := gobuild.ModuleRoot(dir); found {
		dir = root
	}
	paths, ok, err := git.Modified(ctx, dir, packagePattern)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		f.Message = "git does not tell whether the source differs from " + commit
		f.Hint = "it takes git 2.32 or newer; of one that is, git status in " + dir + " says why"
	case len(paths) == 0:
		return nil, nil
	default:
		f.Message = "the source differs from " + commit + ": " + some(paths)
	}
	return []finding.Finding{f}, nil
}

// some names the first of many.
func some(paths []string) string {
	const enough = 5
	if len(paths) > enough {
		return fmt.Sprintf("%s and %d more", strings.Join(paths[:enough], ", "), len(paths)-enough)
	}
	return strings.Join(paths, ", ")
}
