package shard

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/release"
)

// Job is the part of a plan that a process does.
type Job struct {
	Part
	// From says which engine gave the part, by which variable; "" for one that was named.
	From string
	Plan *Plan
}

// Paths are those of the units of the job's part.
func (j *Job) Paths() []string {
	var paths []string
	for _, u := range j.Plan.Of(j.Index) {
		paths = append(paths, u.Paths...)
	}
	return paths
}

// Names are those of its units.
func (j *Job) Names() []string {
	names := []string{}
	for _, u := range j.Plan.Of(j.Index) {
		names = append(names, u.Name)
	}
	return names
}

// String says which part it is, by what, of which plan.
func (j *Job) String() string {
	by, names := "", strings.Join(j.Names(), ", ")
	if j.From != "" {
		by = " (" + j.From + ")"
	}
	if names == "" {
		names = "nothing, as there are fewer integrations than parts"
	}
	return fmt.Sprintf("part %s%s: %s; plan %s", j.Part, by, names, j.Plan.Hash())
}

// Release has a release make the job's part, in a folder of the part below that of the options. Without manifests there is nothing in
// the part.
func (j *Job) Release(opts release.Options) release.Options {
	opts.Manifests, opts.OutDir, opts.Part = j.Paths(), filepath.Join(opts.OutDir, j.Folder()), j.record()
	return opts
}

// record is what is kept beside what a job has made: of which plan, and which part of it.
type record struct {
	Index int    `json:"index"`
	Count int    `json:"count"`
	Hash  string `json:"hash"`
	Plan  *Plan  `json:"plan"`
}

func (j *Job) record() []byte {
	data, err := json.MarshalIndent(record{j.Index, j.Count, j.Plan.Hash(), j.Plan}, "", "  ")
	if err != nil {
		return nil // there are only strings and finite numbers in it
	}
	return append(data, '\n')
}

// reported is a job in the JSON of a report.
type reported struct {
	Index        int      `json:"index"`
	Count        int      `json:"count"`
	From         string   `json:"from,omitempty"`
	Plan         string   `json:"plan"`
	Integrations []string `json:"integrations"`
}

// List is what a report says of the job: which part it did.
func (j *Job) List() finding.List {
	return finding.NewList("shard", []reported{{j.Index, j.Count, j.From, j.Plan.Hash(), j.Names()}})
}
