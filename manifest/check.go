package manifest

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/PlakarKorp/kpkg/finding"
)

// CheckOptions say how strictly and against what a manifest is checked.
type CheckOptions struct {
	// Strict makes errors of what plakar's next validator refuses; they are warnings otherwise.
	Strict bool
	// Tree is the folder that holds the manifest, for the checks that look at the files it names; nil leaves these out.
	Tree fs.FS
	// Containers says that the images which serve connectors are at hand: that only newer clients run them is a warning then.
	Containers bool
}

// checks holds every rule on what a readable manifest says, one function each. Together they claim every violation of the
// schema.
var checks = []struct {
	rule string
	run  func(*checker)
}{
	{"kind", (*checker).kind},
	{"key-misplaced", (*checker).misplacedKeys},
	{"key-unknown", (*checker).unknownKeys},
	{"key-missing", (*checker).missingKeys},
	{"key-recommended", (*checker).recommendedKeys},
	{"name", (*checker).name},
	{"name-case", (*checker).nameCase},
	{"version", (*checker).version},
	{"version-key", (*checker).versionKey},
	{"api-version", (*checker).apiVersion},
	{"license", (*checker).license},
	{"homepage", (*checker).homepage},
	{"connectors", (*checker).connectors},
	{"type", (*checker).connectorType},
	{"class", (*checker).class},
	{"class-missing", (*checker).missingClass},
	{"subclass", (*checker).subclass},
	{"subclass-new", (*checker).newSubclass},
	{"protocols", (*checker).protocols},
	{"protocol-form", (*checker).protocolForm},
	{"protocol-duplicate", (*checker).duplicateProtocols},
	{"protocol-builtin", (*checker).builtinProtocols},
	{"location-flag", (*checker).locationFlags},
	{"location-flag-new", (*checker).newLocationFlags},
	{"executable", (*checker).executable},
	{"executable-shared", (*checker).sharedExecutables},
	{"image", (*checker).image},
	{"container", (*checker).container},
	{"path", (*checker).paths},
	{"file-missing", (*checker).missingFiles},
	{"file-kind", (*checker).fileKinds},
	{"validator-missing", (*checker).missingValidators},
	{"build", (*checker).buildSettings},
	{"build-entangled", (*checker).entangledBuild},
	{"build-unused", (*checker).unusedPackages},
}

// Check judges the manifest. The findings are sorted; those on validators name the validator's file. The error is that of an
// ended ctx.
func (d *Document) Check(ctx context.Context, opts CheckOptions) ([]finding.Finding, error) {
	var findings []finding.Finding
	for _, p := range d.problems {
		if p.strict && opts.Strict {
			p.Severity = finding.Error
		}
		findings = append(findings, p.Finding)
	}
	if d.root != nil {
		c := newChecker(d, opts)
		if err := c.run(ctx); err != nil {
			return nil, err
		}
		validators, err := c.validatorFindings(ctx)
		if err != nil {
			return nil, err
		}
		findings = slices.Concat(findings, c.findings, validators)
	}
	finding.Sort(findings)
	return findings, nil
}

// checker is the state of one Check.
type checker struct {
	*Document
	opts       CheckOptions
	rule       string
	violations []*violation
	meant      map[string]bool // the keys, by their paths, that are written in another spelling
	findings   []finding.Finding
}

func newChecker(d *Document, opts CheckOptions) *checker {
	return &checker{Document: d, opts: opts, violations: violations(d.root.plain(true))}
}

func (c *checker) run(ctx context.Context) error {
	for _, check := range checks {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c.rule = check.rule
		check.run(c)
	}
	return nil
}

// place is where a finding points; the zero place is all of the file.
type place struct{ line, column int }

func (c *checker) at(path ...any) place {
	line, column := c.Position(path...)
	return place{line, column}
}

func (c *checker) atKey(path ...any) place {
	line, column := c.keyPosition(path...)
	return place{line, column}
}

// atMissing is the place of a key without a value, of the connector that lacks the key, or, for what the manifest lacks
// itself, no place.
func (c *checker) atMissing(path ...any) place {
	if len(path) > 1 || c.root.field(fmt.Sprint(path...)) != nil {
		return c.atKey(path...)
	}
	return place{}
}

// error reports what breaks building, installing or using the package with the released plakar.
func (c *checker) error(at place, hint, format string, args ...any) {
	c.report(finding.Error, at, hint, format, args...)
}

// refused reports what plakar's next validator refuses and the released plakar does not.
func (c *checker) refused(at place, hint, format string, args ...any) {
	if c.opts.Strict {
		c.error(at, hint, format, args...)
	} else {
		c.warning(at, hint, format, args...)
	}
}

func (c *checker) warning(at place, hint, format string, args ...any) {
	c.report(finding.Warning, at, hint, format, args...)
}

func (c *checker) report(severity finding.Severity, at place, hint, format string, args ...any) {
	c.findings = append(c.findings, finding.Finding{
		Rule: c.rule, Severity: severity, File: c.File, Line: at.line, Column: at.column,
		Message: finding.Sprintf(format, args...), Hint: hint,
	})
}

// anyIndex stands for every index in the path that claim looks for.
const anyIndex = -1

// claim returns the violations of a keyword at a path that no rule has claimed before, for the current one to report.
func (c *checker) claim(keyword string, path ...any) []*violation {
	var claimed []*violation
	for _, v := range c.violations {
		if !v.claimed && v.keyword == keyword && v.isAt(path) {
			v.claimed = true
			claimed = append(claimed, v)
		}
	}
	return claimed
}

func (v *violation) isAt(path []any) bool {
	return slices.EqualFunc(v.path, path, func(step, want any) bool {
		if _, isIndex := step.(int); isIndex && want == anyIndex {
			return true
		}
		return step == want
	})
}

// text is the scalar at path.
func (c *checker) text(path ...any) string {
	v, _, found := c.root.find(path)
	if !found {
		return ""
	}
	return v.text
}

// absent tells whether plakar sees nothing at path.
func (c *checker) absent(path ...any) bool {
	v, _, found := c.root.find(path)
	return !found || v.empty()
}
