// Package shard spreads the integrations of a run over the jobs of an engine that is there already: the array of a batch system, the
// Indexed Job of Kubernetes, the parallel jobs of a CI.
//
// No job speaks to another, and nothing hands out work while they run: each computes the same plan from the same source and takes its
// part of it. A plan has a hash, by which jobs that had different plans are found out when what they made meets again. The unit is the
// integration, so that its platforms are compiled by one job and share what they have in common.
//
// It refuses to guess: a part comes from variables of an engine that agree with one another, or is named.
package shard

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Part is one of Count parts, counted from 1.
type Part struct {
	Index, Count int
}

// Auto has Find take the part that an engine gives this job.
const Auto = "auto"

// maxParts is how many parts a run may have.
const maxParts = 100_000

// ErrPart is wrapped by the errors about a part that is none, or that no engine gives.
var ErrPart = errors.New("no part of the integrations")

// Parse reads "i/n".
func Parse(s string) (Part, error) {
	var p Part
	_, err := fmt.Sscanf(s+" ", "%d/%d ", &p.Index, &p.Count)
	if err != nil || p.String() != s {
		return Part{}, fmt.Errorf("%w: shard %q is not of the form 1/4, the first of four, and not %s", ErrPart, s, Auto)
	}
	return p, p.check()
}

func (p Part) check() error {
	switch {
	case p.Count < 1:
		return fmt.Errorf("%w: shard %s: there are no parts", ErrPart, p)
	case p.Count > maxParts:
		return fmt.Errorf("%w: shard %s: there may be %d parts", ErrPart, p, maxParts)
	case p.Index < 1 || p.Index > p.Count:
		return fmt.Errorf("%w: shard %s: the parts are 1 to %d", ErrPart, p, p.Count)
	}
	return nil
}

func (p Part) String() string { return fmt.Sprintf("%d/%d", p.Index, p.Count) }

// Folder is the name of the folder with what is made of the part.
func (p Part) Folder() string { return fmt.Sprintf("part-%d-of-%d", p.Index, p.Count) }

// engine is one that gives its jobs their parts by variables.
type engine struct {
	name string
	// index is the variable without which a job is none of its.
	index string
	part  func(v variables) (Part, error)
}

var engines = []engine{
	{"Slurm", "SLURM_ARRAY_TASK_ID", slurm},
	{"Kubernetes", "JOB_COMPLETION_INDEX", kubernetes},
	{"GitLab", "CI_NODE_INDEX", gitlab},
}

// Find is the part that is named as "i/n" or, for Auto, that the one engine gives whose variables getenv has. from says which
// variables of which engine these are, "" for a part that is named.
func Find(s string, getenv func(string) string) (part Part, from string, err error) {
	if s != Auto {
		part, err = Parse(s)
		return part, "", err
	}
	var known []string
	for _, e := range engines {
		known = append(known, e.index+" of "+e.name)
		if getenv(e.index) == "" {
			continue
		}
		v := variables{engine: e.name, getenv: getenv}
		one, err := e.part(v)
		if err != nil {
			return Part{}, "", err
		}
		its := fmt.Sprintf("%s, %s=%s", e.name, e.index, getenv(e.index))
		switch {
		case from == "":
			part, from = one, its
		case part != one:
			return Part{}, "", fmt.Errorf("%w: two engines give this job a part, %s is %s and %s is %s: "+
				"name the one that is meant, as in --shard %s", ErrPart, from, part, its, one, one)
		}
	}
	if from == "" {
		return Part{}, "", fmt.Errorf("%w: --shard %s finds no engine that gives this job one, there is no %s: name it, as in --shard 2/4",
			ErrPart, Auto, strings.Join(known, ", "))
	}
	return part, from, nil
}

// Environment is what Find takes for getenv outside of tests.
func Environment(name string) string { return os.Getenv(name) }

// variables are those of an engine.
type variables struct {
	engine string
	getenv func(string) string
}

// number reads a variable that must be a number.
func (v variables) number(name string) (int, error) {
	value := v.getenv(name)
	n, err := strconv.Atoi(value)
	switch {
	case value == "":
		return 0, fmt.Errorf("%w: %s of %s is not set", ErrPart, name, v.engine)
	case err != nil || n < 0:
		return 0, fmt.Errorf("%w: %s of %s is %q, which is no number", ErrPart, name, v.engine, value)
	}
	return n, nil
}

// numbers reads several.
func (v variables) numbers(names ...string) ([]int, error) {
	var all []int
	for _, name := range names {
		n, err := v.number(name)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// slurm is a task of a job array (sbatch(1), "OUTPUT ENVIRONMENT VARIABLES"). Tasks are counted from whatever the array begins with: of
// one that does not count from 0 or 1 in steps of 1, such as a few tasks that are started again, nothing says which parts these are.
func slurm(v variables) (Part, error) {
	n, err := v.numbers("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX")
	if err != nil {
		return Part{}, err
	}
	id, count, first, last := n[0], n[1], n[2], n[3]
	if first > 1 || last-first+1 != count {
		return Part{}, fmt.Errorf("%w: the array of Slurm has %d tasks from %d to %d: have it count from 0 or 1 without gaps (--array=0-7), "+
			"or name the part, as in --shard $((SLURM_ARRAY_TASK_ID + 1))/8", ErrPart, count, first, last)
	}
	p := Part{id - first + 1, count}
	return p, p.check()
}

// kubernetes is a pod of an Indexed Job, which counts from 0. The number of pods is in the specification of the job, which the pod
// does not see: the job says it in a variable of its own.
// (https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode)
func kubernetes(v variables) (Part, error) {
	index, err := v.number("JOB_COMPLETION_INDEX")
	if err != nil {
		return Part{}, err
	}
	count, err := v.number("JOB_COMPLETIONS")
	if err != nil {
		return Part{}, fmt.Errorf("%w; Kubernetes does not tell a pod how many there are: set it in the pod's env to the job's completions", err)
	}
	p := Part{index + 1, count}
	return p, p.check()
}

// gitlab is one of the jobs that "parallel" makes of one (https://docs.gitlab.com/ci/variables/predefined_variables/), counted from 1.
func gitlab(v variables) (Part, error) {
	n, err := v.numbers("CI_NODE_INDEX", "CI_NODE_TOTAL")
	if err != nil {
		return Part{}, err
	}
	p := Part{n[0], n[1]}
	return p, p.check()
}
