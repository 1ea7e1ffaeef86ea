package release

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
)

// test holds the connectors of the package for this machine to the suite, with what the settings beside the manifest say of
// where. What is not tested is refused, but for what need not be.
func (r *Release) test(ctx context.Context, dir string, opts Options) error {
	selection := conformance.Selection{SettingsDir: r.Source.Dir, Started: opts.Tested}
	var untested []string
	known := map[string]bool{}
	for _, c := range r.Source.Document.Manifest.Connectors {
		name := c.Type + ":" + strings.Join(c.Protocols[:min(1, len(c.Protocols))], "")
		known[name] = true
		if slices.Contains(opts.SkipTest, name) {
			continue
		}
		kind, protocol, err := conformance.ParseConnector(name)
		if err != nil {
			untested = append(untested, name+": kpkg has no tests for connectors of its type")
			continue
		}
		selection.Connectors = append(selection.Connectors, conformance.Selected{Type: kind, Protocol: protocol})
	}
	host := slices.IndexFunc(r.packages, func(p Packaged) bool { return p.Platform == executable.Host() })
	if host < 0 {
		for _, c := range selection.Connectors {
			untested = append(untested, fmt.Sprintf("%s:%s: no package is for this machine, %s", c.Type, c.Protocol, executable.Host()))
		}
	} else if len(selection.Connectors) > 0 {
		path := filepath.Join(dir, r.packages[host].Name)
		result, err := conformance.RunPackage(ctx, path, selection)
		if err != nil {
			return fmt.Errorf("testing %s: %w", r.packages[host].Name, err)
		}
		for _, f := range conformance.Findings(r.Source.Document.File, result.Results) {
			if f.Severity == finding.Error {
				r.Findings = append(r.Findings, f)
			}
		}
		for _, name := range result.Untested {
			untested = append(untested, name+": nothing says where it can be tested")
		}
	}
	for _, one := range untested {
		name, _, _ := strings.Cut(one, ": ")
		r.add(opts, "release-untested", "not tested: "+one,
			"say where in "+conformance.SettingsName+" beside the manifest, or give --skip-test "+name)
	}
	for _, name := range opts.SkipTest {
		if !known[name] && len(opts.Manifests) == 1 {
			r.warn("release-untested", "--skip-test "+name+": there is no such connector", "name it by its TYPE and first protocol")
		}
	}
	finding.Sort(r.Findings)
	return nil
}
