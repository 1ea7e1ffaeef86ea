package create

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/diff"
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
	err := diff.Trees(c.ctx, diff.Package{Package: c.original}, diff.Package{Package: c.again}, func(d diff.Difference) error {
		c.explain("/"+d.Path(), d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("comparing: %w", err)
	}
	if len(c.findings) == 0 {
		c.differ("", "was it made by this version of kpkg, with the same --compression?",
			"all files are the same, the bytes around them are not")
	}
	return c.findings, nil
}

func (c *comparison) explain(name string, d diff.Difference) {
	switch {
	case d.Kind == diff.Added && !d.New.Mode.IsDir():
		c.differ(name, "", "the source gives this file, the package has none")
	case d.Kind == diff.Removed && !d.Old.Mode.IsDir():
		c.differ(name, "", "the source gives no such file")
	case d.Kind != diff.Changed:
	case d.Old.Mode.IsRegular() && (d.Old.Mode^d.New.Mode)&0o111 != 0:
		c.differ(name, "", "the package has it with mode %v, the source gives executable %t", d.Old.Mode, d.New.Mode&0o111 != 0)
		fallthrough
	default:
		for _, fact := range d.Facts {
			c.differ(name, "", "%s was %s when the package was made, and is %s here", fact.Name, orNone(fact.Was), orNone(fact.Is))
		}
		if d.Offset >= 0 && len(d.Facts) == 0 {
			c.differ(name, "", "differs from byte %d on", d.Offset)
		}
	}
}

func orNone(s string) string {
	if s == "" {
		return "not there"
	}
	return s
}
