package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/inspect"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/internal/web"
)

func newInspectCommand() *cobra.Command {
	var flags ptarFlags
	var layout, force bool
	var page string
	cmd := &cobra.Command{
		Use:   "inspect FILE...",
		Short: "Say what a package or an archive is, and what is in it",
		Long: `Say what a ptar is. Of a package: its manifest, platform and connectors, which clients can run it, and for each executable
what Go wrote into it, its modules and how much of it each takes. Of an archive: its snapshots with time, origin, files, bytes
and errors, and how it is compressed and encrypted.

--html writes one page that needs nothing else, for a browser: facts, a map of sizes, modules, the checks made.

FILE may also be an http(s) URL, or - for the standard input.

Exit status: 0 it is said; 1 a package has errors; 2 wrong usage; 3 a file could not be read.`,
		Example: `  kpkg inspect ftp_v0.1.0_linux_amd64.ptar
  kpkg inspect backup.ptar --layout
  kpkg inspect ftp_v0.1.0_linux_amd64.ptar --html ftp.html`,
	}
	flags.add(cmd, true)
	format := formatFlag(cmd, "text", "json")
	cmd.Flags().BoolVar(&layout, "layout", false, "show the parts of the file and where they are")
	cmd.Flags().StringVar(&page, "html", "", "write a page on one file to `FILE`, - for standard output")
	cmd.Flags().BoolVar(&force, "force", false, "replace a page that is there")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if page != "" && len(args) > 1 {
			return usagef("a page is about one file")
		}
		var found []*inspect.Ptar
		failures := map[string]error{}
		for _, file := range args {
			opts := inspect.Options{Snapshot: flags.snapshot, Tree: page != "", Passphrase: ptarOptions(cmd, &flags.words, file).Passphrase}
			p, err := inspect.File(cmd.Context(), file, opts)
			if cmd.Context().Err() != nil || err != nil && format.isText() && len(args) == 1 {
				return err
			}
			if err != nil {
				failures[file] = err
				continue
			}
			found = append(found, p)
		}
		if page != "" && len(found) == 1 {
			if err := writePage(cmd, page, force, found[0]); err != nil || page == "-" {
				return err
			}
		}
		report := inspect.Report(found, failures)
		if format.isText() {
			if page == "" {
				for i, p := range found {
					if i > 0 {
						fmt.Fprintln(cmd.OutOrStdout())
					}
					if err := printPtar(cmd.OutOrStdout(), p, layout); err != nil {
						return err
					}
				}
			}
			for _, file := range args {
				if err := failures[file]; err != nil {
					printError(cmd.ErrOrStderr(), err)
				}
			}
			return verdict(report)
		}
		return errors.Join(format.write(cmd, report), verdict(report))
	}
	return cmd
}

func writePage(cmd *cobra.Command, name string, force bool, p *inspect.Ptar) error {
	if name == "-" {
		return web.Ptar(cmd.OutOrStdout(), p)
	}
	err := place.Written(cmd.Context(), name, force, func(out io.Writer) error { return web.Ptar(out, p) },
		func(*os.File, string) error { return nil })
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is already there; --force replaces it", name)
	}
	return err
}

// printPtar prints all that is known of a ptar, in lines that fit the terminal.
func printPtar(out io.Writer, p *inspect.Ptar, layout bool) error {
	columns := width(out)
	kind := "archive"
	if p.Package != nil {
		kind = "package"
	}
	row := func(what, format string, args ...any) error {
		text := finding.Printable(finding.CutMessage(fmt.Sprintf(format, args...)))
		_, err := fmt.Fprintln(out, finding.Wrap(fmt.Sprintf("  %-12s %s", finding.Printable(what), text), columns, strings.Repeat(" ", 15)))
		return err
	}
	fmt.Fprintln(out, finding.Wrap(finding.Printable(fmt.Sprintf("%s: %s, %s", p.File, kind, humanize.IBytes(uint64(p.Size)))), columns, "  "))
	row("compression", "%s", p.Compression())
	row("encryption", "%s", p.Encryption())
	if p.Package != nil {
		if err := printInside(out, p.Package, row); err != nil {
			return err
		}
	} else if err := printSnapshots(out, p, columns); err != nil {
		return err
	}
	if layout {
		fmt.Fprintln(out)
		parts := table{columns: []column{{"PART", 0, false}, {"FROM BYTE", 0, true}, {"BYTES", 0, true}}}
		for _, r := range p.Layout {
			parts.add(r.Name, fmt.Sprint(r.Offset), fmt.Sprint(r.Length))
		}
		return parts.write(out, columns)
	}
	return nil
}

func printSnapshots(out io.Writer, p *inspect.Ptar, columns int) error {
	fmt.Fprintln(out)
	t := table{columns: []column{
		{"SNAPSHOT", 0, false}, {"MADE", 1, false}, {"FILES", 2, true}, {"BYTES", 0, true}, {"ERRORS", 3, true}, {"FROM", 0, false},
	}}
	for _, s := range p.Snapshots {
		for _, source := range s.Sources {
			parts := slices.DeleteFunc([]string{source.Type, source.Origin, source.Root}, func(s string) bool { return s == "" })
			from := finding.Printable(finding.Cut(strings.Join(parts, " ")))
			t.add(s.ID[:8], s.Time.UTC().Format(time.DateTime), fmt.Sprint(source.Files), humanize.IBytes(source.Bytes),
				fmt.Sprint(source.Errors), from)
		}
	}
	return t.write(out, columns)
}

func printInside(out io.Writer, p *inspect.Package, row func(what, format string, args ...any) error) error {
	if p.Name != "" {
		row("package", "%s %s for %s/%s", p.Name, p.Version, p.OS, p.Arch)
	}
	for _, c := range p.Connectors {
		row(c.Type, "%s, by %s", strings.Join(c.Protocols, ", "), c.Executable)
	}
	for _, c := range p.Clients {
		if c.Usable {
			row("plakar", "%s: installs and runs it", c.Versions)
		} else {
			row("plakar", "%s: no: %s", c.Versions, strings.Join(c.Refusals, "; "))
		}
	}
	row("unpacked", "%s in %s", humanize.IBytes(uint64(p.Unpacked)), english.Plural(len(p.Files), "file", ""))
	for _, f := range p.Files {
		row("", "%10s  %s", humanize.IBytes(uint64(f.Size)), f.Path)
	}
	row("sha256", "%s", p.SHA256)
	var checked []string
	for _, c := range p.Checks {
		checked = append(checked, c.ID)
	}
	row("checked", "%s", strings.Join(checked, ", "))
	for _, e := range p.Programs {
		fmt.Fprintln(out)
		fmt.Fprintln(out, finding.Wrap(finding.Printable(describe(e.Executable)), width(out), "  "))
		if err := printProgram(out, e); err != nil {
			return err
		}
	}
	if p.Manifest != "" && screen.verbose {
		fmt.Fprintf(out, "\nmanifest.yaml:\n%s\n", finding.PrintableLines(strings.TrimRight(p.Manifest, "\n")))
	}
	if len(p.Findings) > 0 {
		fmt.Fprintln(out)
	}
	return printShown(out, p.Findings, nil)
}

// modulesAt is the column at which the path of a module begins, behind its size.
const modulesAt = 14

// printModules prints a line for each size, path and version, the versions below each other where the terminal is wide enough.
func printModules(out io.Writer, modules [][3]string, columns int) error {
	const version = 12 // of most
	paths := 0
	for _, m := range modules {
		paths = max(paths, finding.Width(m[1]))
	}
	if columns > 0 && modulesAt+paths+2+version > columns {
		paths = 0
	}
	for _, m := range modules {
		text := fmt.Sprintf("  %10s  %s", m[0], m[1])
		if m[2] != "" {
			text += strings.Repeat(" ", max(0, paths-finding.Width(m[1]))+2) + m[2]
		}
		if _, err := fmt.Fprintln(out, finding.Wrap(text, columns, strings.Repeat(" ", modulesAt+2))); err != nil {
			return err
		}
	}
	return nil
}

// shownModules is how many modules of a program are shown without --verbose.
const shownModules = 12

// printProgram prints the modules of a program by how much of it they take, then those that take nothing.
func printProgram(out io.Writer, e inspect.Program) error {
	versions := map[string]string{}
	for _, m := range e.All {
		versions[m.Path] = m.Version
		if m.Replaced != "" {
			versions[m.Path] += " => " + m.Replaced
		}
	}
	var modules [][3]string // size, path, version
	rows := 0
	line := func(size, path, version string) {
		if rows++; rows <= shownModules || screen.verbose {
			modules = append(modules, [3]string{size, finding.Printable(finding.Cut(path)), finding.Printable(finding.Cut(version))})
		}
	}
	for _, s := range e.Sizes {
		name := s.Module
		switch name {
		case "":
			name = "(tables, data)"
		case "std":
			versions[name] = e.Go
		}
		line(humanize.IBytes(uint64(s.Sum())), name, versions[s.Module])
		delete(versions, s.Module)
	}
	for _, m := range e.All {
		if _, left := versions[m.Path]; left {
			line("", m.Path, versions[m.Path])
		}
	}
	if err := printModules(out, modules, width(out)); err != nil {
		return err
	}
	if screen.verbose {
		for _, s := range e.Settings {
			text := finding.Printable(finding.Cut(s.Key)) + " " + finding.Printable(finding.Cut(s.Value))
			fmt.Fprintln(out, finding.Wrap(strings.Repeat(" ", modulesAt)+text, width(out), strings.Repeat(" ", modulesAt+2)))
		}
	} else if rows > shownModules {
		fmt.Fprintf(out, "%*sand %d more: --verbose\n", modulesAt, "", rows-shownModules)
	}
	return nil
}
