package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/shard"
)

// shardFlags are those of a command that does a part of its work.
type shardFlags struct{ part, weights string }

func (f *shardFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.part, "shard", "", "`PART` i of n of the integrations, as in 2/4, or auto: the one that Slurm, "+
		"Kubernetes or GitLab gives this job")
	cmd.Flags().StringVar(&f.weights, "weights", "",
		"`FILE` of what integrations cost, for parts that take as long as each other (default by modules)")
	completeValues(cmd, "shard", shard.Auto)
}

// job is the part that is to be done of the units, as the weights have them; nil for all of it. It is said which that is.
func (f *shardFlags) job(cmd *cobra.Command, units func(shard.Weights) ([]shard.Unit, error)) (*shard.Job, error) {
	if f.part == "" {
		if f.weights != "" {
			return nil, usagef("--weights is for --shard")
		}
		return nil, nil
	}
	part, from, err := shard.Find(f.part, shard.Environment)
	if err != nil {
		return nil, usageOf(err, shard.ErrPart)
	}
	weights, err := f.read()
	if err != nil {
		return nil, err
	}
	all, err := units(weights)
	if errors.Is(err, create.ErrOptions) {
		return nil, usageOf(err, create.ErrOptions)
	}
	if err != nil {
		return nil, err
	}
	plan, err := shard.New(all, part.Count, ownVersions().Kpkg)
	if err != nil {
		return nil, usageOf(err, create.ErrOptions)
	}
	job := &shard.Job{Part: part, From: from, Plan: plan}
	if !screen.quiet {
		errOut := cmd.ErrOrStderr()
		fmt.Fprintln(errOut, finding.Wrap(finding.Printable(job.String()), width(errOut), "  "))
	}
	return job, nil
}

func (f *shardFlags) read() (shard.Weights, error) {
	if f.weights == "" {
		return nil, nil
	}
	return shard.ReadWeights(f.weights)
}
