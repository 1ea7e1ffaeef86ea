package shard

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"gopkg.in/yaml.v3"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/internal/git"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Unit is an integration in a plan.
type Unit struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	// Commit is that of its source, "" for none.
	Commit string `json:"commit,omitempty"`
	// Platforms are those of its packages, sorted.
	Platforms []string `json:"platforms,omitempty"`
	// Images tells that its connectors are put into images, and Image is what these are called, "" for no name.
	Images bool   `json:"images,omitempty"`
	Image  string `json:"image,omitempty"`
	// Weight is what it costs, in whatever all weights are in.
	Weight float64 `json:"weight"`
	// Part is the one that makes it, counted from 1.
	Part int `json:"part"`
	// Paths are what the command line calls it, such as its manifest.
	Paths []string `json:"-"`
}

// images says whether its connectors are in images, and in which.
func (u Unit) images() string {
	switch {
	case !u.Images:
		return "no images"
	case u.Image == "":
		return "images without a name"
	}
	return "images of the name " + u.Image
}

// Plan is how the integrations of a run are spread over jobs. It is the same for the same integrations, whatever their order.
type Plan struct {
	// Maker is the version of the program, as different ones may make different packages.
	Maker string `json:"maker"`
	Count int    `json:"count"`
	// Units are sorted by their names.
	Units []Unit `json:"integrations"`
}

// New plans the units for a number of jobs: the heaviest goes first, and each to the job that has least to do by then, which is at most
// a third longer than the best there is (Graham, Bounds on multiprocessing timing anomalies, 1969).
func New(units []Unit, count int, maker string) (*Plan, error) {
	p := &Plan{Maker: maker, Count: count, Units: slices.Clone(units)}
	slices.SortFunc(p.Units, func(a, b Unit) int { return strings.Compare(a.Name, b.Name) })
	for i := range p.Units {
		if i > 0 && p.Units[i].Name == p.Units[i-1].Name {
			return nil, fmt.Errorf("%w: two integrations have the name %s", create.ErrOptions, p.Units[i].Name)
		}
	}
	order := make([]*Unit, len(p.Units))
	for i := range p.Units {
		order[i] = &p.Units[i]
	}
	slices.SortStableFunc(order, func(a, b *Unit) int { return cmp.Compare(b.Weight, a.Weight) })
	load := make([]float64, count)
	for _, u := range order {
		least := 0
		for part := range load {
			if load[part] < load[least] {
				least = part
			}
		}
		u.Part = least + 1
		load[least] += u.Weight
	}
	return p, nil
}

// Hash is that of the plan: "sha256:" and 64 hexadecimal digits.
func (p *Plan) Hash() string {
	data, err := json.Marshal(p)
	if err != nil { // there are only strings and finite numbers in it
		return ""
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Of are the units of a part.
func (p *Plan) Of(part int) []Unit {
	return slices.DeleteFunc(slices.Clone(p.Units), func(u Unit) bool { return u.Part != part })
}

// Weights are what integrations cost, by their names, in any unit.
type Weights map[string]float64

// maxWeights is how much of a file of weights is read, in bytes.
const maxWeights = 16 << 20

// ReadWeights reads a file with a line NAME: NUMBER for each integration, in YAML or JSON.
func ReadWeights(path string) (Weights, error) {
	data, err := regular.Read(path, maxWeights+1)
	if err != nil {
		return nil, fmt.Errorf("reading the weights: %w", err)
	}
	if len(data) > maxWeights {
		return nil, fmt.Errorf("%s is larger than %d bytes: weights are lines of NAME: NUMBER", path, maxWeights)
	}
	var w Weights
	if err := yaml.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("%s holds no weights, lines of NAME: NUMBER: %w", path, err)
	}
	for name, weight := range w {
		if !(weight > 0) || math.IsInf(weight, 0) {
			return nil, fmt.Errorf("%s: the weight of %s is %v: it must be a number above 0", path, name, weight)
		}
	}
	if len(w) == 0 {
		return nil, fmt.Errorf("%s holds no weights: it has a line NAME: NUMBER for each integration", path)
	}
	return w, nil
}

// of is the weight of an integration: that of one that nobody has measured is the largest of all, so that it is begun first. Without
// any, it is the default.
func (w Weights) of(name string, otherwise float64) float64 {
	if len(w) == 0 {
		return otherwise
	}
	if weight, known := w[name]; known {
		return weight
	}
	most := 0.0
	for _, weight := range w {
		most = max(most, weight)
	}
	return most
}

// Integrations are the units of what a run of create, or of a release, would make. Without weights an integration weighs as many modules
// as its go.mod requires, and one. One that cannot be made is a unit all the same: the job whose part it is says why. The error, which
// may wrap create.ErrOptions, is about options.
func Integrations(ctx context.Context, opts create.Options, weights Weights) ([]Unit, error) {
	opts.DryRun, opts.Checked, opts.Built, opts.Progress = true, nil, nil, nil
	integrations, err := create.Run(ctx, opts)
	if err != nil {
		return nil, err
	}
	var units []Unit
	for n, i := range integrations {
		u := Unit{
			Name: i.Source.Document.Manifest.Name, Version: i.Version.Value, Paths: []string{opts.Manifests[n]},
			Images: opts.Image, Image: opts.ImageReference,
		}
		if u.Name == "" {
			u.Name = filepath.ToSlash(i.Source.Document.File)
		}
		if u.Commit, _, err = git.Output(ctx, i.Source.Dir, "rev-parse", "--verify", "--quiet", "HEAD"); err != nil {
			return nil, err
		}
		for _, p := range i.Packages {
			u.Platforms = append(u.Platforms, p.Platform.String())
		}
		slices.Sort(u.Platforms)
		u.Weight = weights.of(u.Name, 1+requirements(i.Source.Dir))
		units = append(units, u)
	}
	return units, nil
}

// requirements is how many modules the go.mod around a folder requires; 0 where there is none to read.
func requirements(dir string) float64 {
	root, found := gobuild.ModuleRoot(dir)
	if dir == "" || !found {
		return 0
	}
	const maxModuleFile = 4 << 20 // bytes
	data, err := regular.Read(filepath.Join(root, "go.mod"), maxModuleFile)
	if err != nil {
		return 0
	}
	file, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil {
		return 0
	}
	return float64(len(file.Require))
}

// Packages are the units of what is to be tested: packages, by the integration that their names say, folders and manifests. Without
// weights an integration weighs as many as are named of it.
func Packages(paths []string, weights Weights) []Unit {
	var units []Unit
	for _, path := range paths {
		name := integrationOf(path)
		at := slices.IndexFunc(units, func(u Unit) bool { return u.Name == name })
		if at < 0 {
			at = len(units)
			units = append(units, Unit{Name: name})
		}
		u := &units[at]
		u.Paths = append(u.Paths, path)
		u.Platforms = append(u.Platforms, filepath.Base(path))
		slices.Sort(u.Platforms)
		u.Weight = weights.of(name, float64(len(u.Paths)))
	}
	return units
}

// integrationOf is the name of the integration that a package or a manifest is of; the path where neither says one.
func integrationOf(path string) string {
	if id, err := manifest.ParseFileName(filepath.Base(path)); err == nil {
		return id.Name
	}
	for _, file := range []string{path, filepath.Join(path, manifest.FileName)} {
		if filepath.Ext(file) == manifest.Extension {
			continue
		}
		if data, err := regular.Read(file, manifest.MaxSize+1); err == nil {
			if name := manifest.Read(file, data).Manifest.Name; name != "" {
				return name
			}
		}
	}
	return filepath.ToSlash(path)
}
