package main

import (
	"io"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/install"
	"github.com/PlakarKorp/kpkg/release"
)

func newInstalledCommand() *cobra.Command {
	var keys publicKeys
	var root string
	cmd := &cobra.Command{
		Use:   "installed",
		Short: "List what plakar loads, and what is wrong with it",
		Long: `List the installed packages, whether kpkg or plakar has installed them, after verifying each: one that
is broken can keep plakar from starting. With --key, signatures are checked too. A change that was
interrupted is brought to its end first.

Exit status: 0 all can be used; 1 some have errors; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg installed
  kpkg installed --key acme-2026.pub --format json`,
	}
	format := formatFlag(cmd)
	cmd.Flags().Var(&keys, "key", "hold signatures to the public key in `FILE`; may be repeated")
	rootFlag(cmd, &root)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		trusted, err := release.ReadPublicKeys(keys)
		if err != nil {
			return err
		}
		folders, err := install.UserFolders(root)
		if err != nil {
			return err
		}
		installed, findings, err := install.Settled(cmd.Context(), folders, trusted)
		if err != nil {
			return err
		}
		report := &finding.Report{Command: "installed", Lists: []finding.List{finding.NewList("installed", installed)}}
		findings = report.Add(findings...)
		report.Cases = finding.RuleCases(folders.Packages, "installed", findings)
		report.Show = func(out io.Writer) error { return printInstalled(out, folders, installed, findings) }
		if err := format.write(cmd, report); err != nil {
			return err
		}
		return verdict(report)
	}
	return cmd
}

func printInstalled(out io.Writer, folders install.Folders, installed []install.Installed, findings []finding.Finding) error {
	t := table{columns: []column{{title: "NAME"}, {title: "VERSION"}, {title: "CONNECTORS", rank: 1}, {title: "SIGNED WITH", rank: 2}}}
	for _, one := range installed {
		var serves []string
		for _, c := range one.Connectors {
			serves = append(serves, c.Type+" "+strings.Join(c.Protocols, ", "))
		}
		key := ""
		if one.Signature != nil {
			key = one.Signature.File
		}
		t.add(one.Name, one.Version, finding.Printable(finding.Cut(strings.Join(serves, "; "))), finding.Printable(key))
	}
	if len(installed) == 0 {
		return printVerdict(out, true, "nothing is installed in %s", folders.Packages)
	}
	if err := t.write(out, width(out)); err != nil {
		return err
	}
	if err := printShown(out, findings, nil); err != nil {
		return err
	}
	return printVerdict(out, !finding.HasErrors(findings), "%s in %s, %s", english.Plural(len(installed), "package", ""), folders.Packages,
		finding.Tally(findings))
}
