package main

import (
	"io"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/install"
)

func newInstalledCommand() *cobra.Command {
	var from origin
	var available bool
	cmd := &cobra.Command{
		Use:   "installed",
		Short: "List what plakar loads, and what is wrong with it",
		Long: `List the installed packages, whether kpkg or plakar has installed them, after verifying each: one that
is broken can keep plakar from starting. Signatures are held to all trusted keys. A change that was
interrupted is brought to its end first.

With a registry, those are named of which it has a newer version, or that it has withdrawn.
--available lists what it offers.

Exit status: 0 all can be used; 1 some have errors; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg installed
  kpkg installed --available --registry https://packages.example.org/acme`,
	}
	format := formatFlag(cmd)
	cmd.Flags().BoolVar(&available, "available", false, "list what the registry offers")
	from.addFlags(cmd)
	rootFlag(cmd, &from.root)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := from.read(); err != nil {
			return err
		}
		folders, err := install.UserFolders(from.root)
		if err != nil {
			return err
		}
		if available {
			return listAvailable(cmd, format, folders, &from)
		}
		trusted, err := from.all()
		if err != nil {
			return err
		}
		installed, findings, err := install.Settled(cmd.Context(), folders, trusted)
		if err != nil {
			return err
		}
		if from.named() {
			registry, found, err := from.open(cmd.Context(), false)
			if err == nil && !finding.HasErrors(found) {
				found, err = install.Compare(cmd.Context(), installed, registry)
			}
			if err != nil {
				return err
			}
			findings = append(findings, found...)
		}
		report := &finding.Report{Command: "installed", Lists: []finding.List{
			finding.NewList("installed", installed), finding.NewList("available", []install.Available{}),
		}}
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

// listAvailable lists what the registry offers.
func listAvailable(cmd *cobra.Command, format *format, folders install.Folders, from *origin) error {
	registry, findings, err := from.open(cmd.Context(), format.isText())
	if err != nil {
		return err
	}
	list := []install.Available{}
	if !finding.HasErrors(findings) {
		if list, err = install.ListAvailable(folders, registry); err != nil {
			return err
		}
		for _, f := range registry.Unsigned() {
			f.Severity = finding.Warning
			findings = append(findings, f)
		}
	}
	report := &finding.Report{Command: "installed", Lists: []finding.List{
		finding.NewList("installed", []install.Installed{}), finding.NewList("available", list),
	}}
	findings = report.Add(findings...)
	report.Show = func(out io.Writer) error {
		if err := printShown(out, findings, nil); err != nil || finding.HasErrors(findings) {
			return err
		}
		return printAvailable(out, registry.Location, list)
	}
	if err := format.write(cmd, report); err != nil {
		return err
	}
	return verdict(report)
}

func printAvailable(out io.Writer, location string, list []install.Available) error {
	t := table{columns: []column{{title: "NAME"}, {title: "VERSION"}, {title: "INSTALLED"}, {title: "DESCRIPTION", rank: 1}}}
	for _, one := range list {
		t.add(finding.Printable(one.Name), finding.Printable(one.Version), one.Installed, finding.Printable(finding.Cut(one.Description)))
	}
	if len(list) > 0 {
		if err := t.write(out, width(out)); err != nil {
			return err
		}
	}
	return printVerdict(out, true, "%s in %s", english.Plural(len(list), "integration", ""), location)
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
