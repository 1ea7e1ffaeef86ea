package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/conformance"
	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/extract"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/inspect"
	"github.com/PlakarKorp/kpkg/install"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/scaffold"
	"github.com/PlakarKorp/kpkg/try"
	"github.com/PlakarKorp/kpkg/verify"
)

func newExplainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain [RULE]",
		Short: "Say what a rule finds and what to do about it",
		Long: `Say what a rule of validate, create, verify or test finds, how severe that is and what to do about it.
Rules stand in brackets at the end of findings. Without an argument, all rules are listed.

Exit status: 0 fine; 2 there is no such rule.`,
		Example:           `  kpkg explain protocol-builtin`,
		ValidArgsFunction: completeRules,
	}
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		rules := allRules()
		report := &finding.Report{Command: "explain"}
		report.Show = func(out io.Writer) error { return printRules(out, rules) }
		if len(args) == 1 {
			rule, err := finding.Lookup(rules, strings.Trim(args[0], "[]")) // as findings have it
			if err != nil {
				return usageError{err}
			}
			rules = []finding.Rule{rule}
			report.Show = func(out io.Writer) error { return printRule(out, rule) }
		}
		report.Lists = []finding.List{finding.NewList("rules", rules)}
		return format.write(cmd, report)
	}
	return cmd
}

// allRules are those of all that judges.
func allRules() []finding.Rule {
	return slices.Concat(manifest.Rules, gobuild.Rules, create.Rules, verify.Rules, conformance.Rules(), conformance.PackageRules,
		try.Rules, inspect.Rules, extract.Rules, release.Rules, release.TrustRules, registry.Rules, install.Rules, scaffold.Rules, finding.Rules)
}

func printRule(out io.Writer, r finding.Rule) error {
	text := fmt.Sprintf("%s (%s)\n\n%s\n\nWhat to do: %s", r.ID, r.Level(), r.Title, r.Fix)
	_, err := fmt.Fprintln(out, finding.Wrap(text, width(out), ""))
	return err
}

func printRules(out io.Writer, rules []finding.Rule) error {
	if columns := width(out); columns > 0 {
		for _, r := range rules {
			line := fmt.Sprintf("%s (%s): %s", r.ID, r.Level(), r.Title)
			if _, err := fmt.Fprintln(out, finding.Wrap(line, columns, "    ")); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range rules {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.ID, r.Level(), r.Title)
	}
	return w.Flush()
}
