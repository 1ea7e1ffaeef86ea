package verify

import (
	"fmt"
	"slices"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Client says whether a line of plakar's releases installs and runs the package.
type Client struct {
	// Name is the line's, such as "v1.1"; Versions are those that are known of it.
	Name     string `json:"name"`
	Versions string `json:"versions"`
	Usable   bool   `json:"usable"`
	// Refusals say why it is not usable.
	Refusals []string `json:"refusals"`
}

// checkClients asks for each line of plakar's releases whether it can use the package. It comes last: what is wrong with the
// package for any client is known by then.
func (v *verifier) checkClients() (int, error) {
	if v.doc == nil {
		return 0, nil
	}
	var modules []manifest.Module
	for _, x := range v.report.Executables {
		for _, m := range x.Modules {
			modules = append(modules, manifest.Module{Executable: x.Path, Path: m.Path, Version: m.Version})
		}
	}
	strict, err := v.strictErrors()
	if err != nil {
		return 0, err
	}
	for _, c := range manifest.Clients() {
		answer := Client{Name: c.Name, Versions: c.String(), Refusals: append([]string{}, c.Refusals(v.doc.Manifest, modules)...)}
		if c.Strict() && strict > 0 {
			answer.Refusals = append(answer.Refusals, "it refuses what verify --strict makes errors of")
		}
		answer.Usable = len(answer.Refusals) == 0 && v.errorsFor(c) == 0
		v.report.Clients = append(v.report.Clients, answer)
		if c.Name != v.opts.Client {
			continue
		}
		for _, reason := range answer.Refusals {
			v.errorf("client", "", "plakar %s cannot use the package: %s", answer.Versions, reason)
		}
	}
	return len(v.report.Clients), nil
}

// errorsFor counts the errors that concern the client, but for those that strictness alone makes.
func (v *verifier) errorsFor(c manifest.Client) int {
	count := 0
	for _, f := range v.relaxed {
		if f.Severity == finding.Error && c.Concerned(f.Rule) {
			count++
		}
	}
	return count
}

// strictErrors counts the errors that plakar's next validator adds, and keeps what there is without them.
func (v *verifier) strictErrors() (int, error) {
	other, err := v.doc.Check(v.ctx, manifest.CheckOptions{Strict: !v.opts.Strict, Tree: v.pkg.FS(), Containers: v.opts.Containers})
	if err != nil {
		return 0, err
	}
	strict, relaxed := other, v.ofManifest
	if v.opts.Strict {
		strict, relaxed = relaxed, other
	}
	v.relaxed = slices.Clone(relaxed)
	ofManifest := map[finding.Finding]bool{}
	for _, f := range v.ofManifest {
		ofManifest[f] = true
	}
	for _, f := range v.report.Findings {
		if f.Rule != "package-readme" && !ofManifest[f] {
			v.relaxed = append(v.relaxed, f)
		}
	}
	added := finding.Count(strict, finding.Error) - finding.Count(relaxed, finding.Error)
	if !v.hasReadme() {
		added++
	}
	return added, nil
}

// checkSDK names executables that no client can speak to.
func (v *verifier) checkSDK(x Executable, key ...any) {
	for _, m := range x.Modules {
		if old, found := manifest.OldSDK([]manifest.Module{{Executable: x.Path, Path: m.Path, Version: m.Version}}); found {
			v.addAt("executable-protocol", finding.Error, "build it on kpkg's SDK, or on go-kloset-sdk v1.1.0 or newer",
				fmt.Sprintf("%s is built on the 1.0 SDK (%s %s): no client that installs this package speaks its protocol",
					x.Path, old.Path, old.Version), key...)
			return
		}
	}
}
