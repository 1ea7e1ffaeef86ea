package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/verify"
)

func newVerifyCommand() *cobra.Command {
	var opts create.VerifyOptions
	var client string
	cmd := &cobra.Command{
		Use:   "verify PACKAGE...",
		Short: "Check every byte of packages, and all that plakar demands of them",
		Long: `Check packages before they are released or installed: the file name, every region and every blob of
the ptar, the manifest, each executable's mode and platform, the files the manifest names and
those it does not, sizes and ratios. Nothing is extracted or run. A package that passes installs
with "plakar pkg add"; who made it, only a signature tells.

The report names the releases of plakar that can use the package; --client makes errors of what keeps
one of them from it: a release such as v1.1.4, or next, the one to come.

With --rebuild, a package that passes is also made again from the source in DIR, and the two must be
identical; otherwise the first differences are named: a file, a build setting, a Go version.

Exit status: 0 no errors; 1 errors in a package; 2 wrong usage; 3 it could not be done.`,
		Args: cobra.MinimumNArgs(1),
	}
	format := formatFlag(cmd.Flags())
	cmd.Flags().BoolVar(&opts.Strict, "strict", false, "make errors of what upstream's newer validator refuses")
	cmd.Flags().StringVar(&opts.Source, "rebuild", "", "make the packages again from the source in `DIR` and compare")
	cmd.Flags().StringVar(&client, "client", "", "make errors of what keeps plakar `VERSION`, such as v1.1.4, from using a package")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if client != "" {
			known, err := manifest.FindClient(client)
			if err != nil {
				return usagef("--client: %v", err)
			}
			opts.Client = known.Name
		}
		judged, err := create.Verify(cmd.Context(), args, opts)
		if err != nil && format.isText() {
			return err
		}
		report := create.VerifyReport(judged, err)
		report.Show = func(out io.Writer) error { return printReports(out, judged) }
		if err := errors.Join(format.write(cmd, report), err); err != nil {
			return err
		}
		for _, one := range judged {
			if one.Err != nil {
				printError(cmd.ErrOrStderr(), one.Err)
			}
		}
		return verdict(report)
	}
	return cmd
}

func printReports(out io.Writer, judged []create.Verified) error {
	first := true
	for _, one := range judged {
		if one.Report == nil {
			continue
		}
		if !first {
			fmt.Fprintln(out)
		}
		first = false
		if err := printReport(out, one.Report); err != nil {
			return err
		}
	}
	return nil
}

// printReport shows what a package is, what was checked of it, and the verdict.
func printReport(out io.Writer, r *verify.Report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(what, format string, args ...any) {
		fmt.Fprintf(w, "  %s\t%s\n", what, finding.Printable(fmt.Sprintf(format, args...)))
	}
	fmt.Fprintln(w, finding.Printable(r.File))
	if r.Name != "" {
		row("package", "%s %s for %s/%s", r.Name, r.Version, r.OS, r.Arch)
	}
	for _, c := range r.Connectors {
		row(c.Type, "%s, by %s", strings.Join(c.Protocols, ", "), c.Executable)
	}
	for _, e := range r.Executables {
		row("executable", "%s", describe(e))
	}
	if e := r.Encoding; e.Blobs > 0 {
		row("stored", "%d files, %s in %s; %d blobs, %s, %s, state %s", len(r.Files),
			humanize.IBytes(uint64(r.Unpacked)), humanize.IBytes(uint64(r.Size)), e.Blobs, e.Compression, e.Hashing, e.State)
	}
	for _, c := range r.Clients {
		if c.Usable {
			row("plakar "+c.Versions, "installs and runs it")
		} else if len(c.Refusals) > 0 {
			row("plakar "+c.Versions, "no: %s", strings.Join(c.Refusals, "; "))
		}
	}
	if r.SHA256 != "" {
		row("sha256", "%s", r.SHA256)
	}
	var checked []string
	for _, c := range r.Checks {
		checked = append(checked, fmt.Sprintf("%s (%d %s)", c.ID, c.Count, c.Unit))
	}
	row("checked", "%s", strings.Join(checked, ", "))
	row("verdict", "%s", finding.Tally(r.Findings))
	if err := w.Flush(); err != nil {
		return err
	}
	return printFindings(out, r.Findings, nil)
}

func describe(e verify.Executable) string {
	parts := []string{e.Path, humanize.IBytes(uint64(e.Size))}
	if e.Format != "" {
		parts = append(parts, e.Format)
	}
	if e.OS != "" {
		parts = append(parts, e.OS+"/"+e.Arch)
	}
	if e.Go != "" {
		parts = append(parts, e.Go)
	}
	for _, m := range e.Modules {
		parts = append(parts, m.Path[strings.LastIndex(m.Path, "/")+1:]+" "+m.Version)
	}
	if e.Stripped {
		parts = append(parts, "stripped")
	}
	return strings.Join(parts, ", ")
}
