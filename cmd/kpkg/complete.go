package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
)

// completing says that a shell asks what it may offer. Flags are read twice for that, and none counts as given twice.
var completing bool

// completeValues has the shell offer these values of a flag.
func completeValues(cmd *cobra.Command, flag string, values ...string) {
	must(cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)))
}

// completeLists is completeValues for a flag that takes several with commas. values is only called when a shell asks.
func completeLists(cmd *cobra.Command, flag string, values func() []string) {
	must(cmd.RegisterFlagCompletionFunc(flag,
		func(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
			before := begun[:strings.LastIndex(begun, ",")+1]
			given := strings.Split(before, ",")
			var offered []cobra.Completion
			for _, value := range values() {
				if !slices.Contains(given, value) {
					offered = append(offered, before+value)
				}
			}
			return offered, cobra.ShellCompDirectiveNoFileComp
		}))
}

// completeFolders has the shell offer folders for a flag.
func completeFolders(cmd *cobra.Command, flag string) { must(cmd.MarkFlagDirname(flag)) }

// must is for what only a flag's name that is not there makes an error of.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// completeFiles has the shell offer files with one of the extensions, and folders on the way to them.
func completeFiles(extensions ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return extensions, cobra.ShellCompDirectiveFilterFileExt
	}
}

// completeRules has the shell offer rules.
func completeRules(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var rules []cobra.Completion
	if len(args) == 0 {
		for _, r := range allRules() {
			rules = append(rules, cobra.CompletionWithDesc(r.ID, r.Title))
		}
	}
	return rules, cobra.ShellCompDirectiveNoFileComp
}

// platformValues are what --platform is mostly given.
func platformValues() []string {
	values := []string{"all"}
	for _, p := range append([]executable.Platform{executable.Host()}, executable.Shipped()...) {
		if !slices.Contains(values, p.String()) {
			values = append(values, p.String())
		}
	}
	return values
}

// checkValues are the checks that connectors are tested by.
func checkValues() []string { return ids(conformance.Rules()) }

func ids(rules []finding.Rule) []string {
	var ids []string
	for _, r := range rules {
		ids = append(ids, r.ID)
	}
	return ids
}
