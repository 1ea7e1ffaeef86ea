package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/scaffold"
)

func newInitCommand() *cobra.Command {
	var opts scaffold.Options
	var yes, update, force bool
	types := map[string]*bool{}
	cmd := &cobra.Command{
		Use:   "init [NAME]",
		Short: "Begin an integration",
		Long: `Write the source tree of a new integration into a folder NAME: a manifest, connectors of local files to
start from, the JSON schemas of their settings, tests, a Makefile for those who build with plakar, a workflow
for GitHub, a README and a license. It builds, passes kpkg test and makes packages that verify as it is. The
SDK is copied into its folder sdk/, so that it needs nothing that is not published.

Of the connectors, --importer, --exporter and --storage choose; without any of them a terminal is asked,
and without a terminal, or with --yes, it is an importer.

--from reads a Go package with constructors of connectors as plakar has them, or the main of a plugin, and
writes what it lacks to be an integration: manifest, schemas with the settings that the source looks up,
a main on kpkg's SDK. Files that are there are left alone.

A file that is there already is never replaced: all that stand in the way are listed, and nothing is written.

--update-sdk, in the folder of an integration, makes sdk/ the SDK of this kpkg. A file that was modified since
it was written is shown and kept, unless --force is given.

Exit status: 0 fine; 1 modified files of the SDK were kept; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg init notes --importer --exporter
  kpkg create notes v0.1.0 --platform all --out-dir dist

  kpkg init ftp --from ./connector
  kpkg init --update-sdk`,
	}
	flags := cmd.Flags()
	for _, t := range scaffold.Types {
		types[t] = flags.Bool(t, false, map[string]string{
			"importer": "write an importer, for a source", "exporter": "write an exporter, for a destination",
			"storage": "write a storage, for plakar's own data",
		}[t])
	}
	flags.StringVar(&opts.Module, "module", "", "`PATH` of the Go module (default example.org/NAME)")
	flags.StringVar(&opts.Folder, "out-dir", "", "`FOLDER` to write into, such as . for the current one (default NAME)")
	flags.StringArrayVar(&opts.From, "from", nil, "make an integration of the Go package in `FOLDER`; may be repeated")
	flags.BoolVar(&yes, "yes", false, "ask nothing")
	flags.BoolVar(&update, "update-sdk", false, "replace the SDK in the tree of an integration")
	flags.BoolVar(&force, "force", false, "with --update-sdk, replace modified files too")
	completeFolders(cmd, "out-dir")
	completeFolders(cmd, "from")
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, t := range scaffold.Types {
			if *types[t] {
				opts.Types = append(opts.Types, t)
			}
		}
		switch {
		case update && (len(opts.Types) > 0 || opts.Module != "" || len(opts.From) > 0):
			return usagef("--update-sdk changes the SDK alone: it takes a folder and --force")
		case update && len(args) == 1 && opts.Folder != "":
			return usagef("--update-sdk is given two folders")
		case update:
			return updateSDK(cmd, format, append(slices.DeleteFunc([]string{opts.Folder}, isEmpty), append(args, ".")...)[0], force)
		case force:
			return usagef("--force is for --update-sdk: a new integration replaces no file")
		case len(args) == 0:
			return usagef("name the integration, as in kpkg init notes")
		}
		date, err := sourceDate()
		if err != nil {
			return usageError{err}
		}
		opts.Name, opts.Time = args[0], date
		if date.IsZero() {
			opts.Time = time.Now()
		}
		return initialize(cmd, format, opts, !yes && format.isText() && isTerminal(cmd.InOrStdin()))
	}
	return cmd
}

func isEmpty(text string) bool { return text == "" }

// initialize writes a new integration, after it has asked what is not said if there is somebody to ask.
func initialize(cmd *cobra.Command, format *format, opts scaffold.Options, ask bool) error {
	ask = ask && len(opts.Types) == 0 && len(opts.From) == 0
	tree, err := planned(opts, ask)
	if err == nil && ask {
		// What is in the way is found out first, for whatever the answers are.
		if opts.Types, err = askTypes(cmd.Context()); err == nil {
			tree, err = planned(opts, false)
		}
	}
	if errors.Is(err, scaffold.ErrOptions) {
		return usageOf(err, scaffold.ErrOptions)
	}
	if err == nil {
		err = tree.Write(cmd.Context())
	}
	report := scaffold.Report(tree, err)
	report.Show = func(out io.Writer) error { return printInitialized(out, cmd.ErrOrStderr(), tree) }
	var conflict *scaffold.ConflictError
	if errors.As(err, &conflict) && format.isText() {
		for _, name := range conflict.Files {
			printError(cmd.ErrOrStderr(), fmt.Errorf("%s is there already", filepath.Join(conflict.Folder, filepath.FromSlash(name))))
		}
		return fmt.Errorf("nothing was written to %s, where %s in the way", conflict.Folder,
			english.PluralWord(len(conflict.Files), "one file is", fmt.Sprintf("%d files are", len(conflict.Files))))
	}
	if err != nil {
		return errors.Join(err, writeUnlessText(cmd, format, report))
	}
	return format.write(cmd, report)
}

// planned is what is to be written, with nothing in its way; with all, for every type of connector.
func planned(opts scaffold.Options, all bool) (*scaffold.Tree, error) {
	if all {
		opts.Types = scaffold.Types
	}
	tree, err := scaffold.New(opts)
	if err != nil {
		return nil, err
	}
	conflicts, err := tree.Conflicts()
	if err != nil {
		return nil, err
	}
	if len(conflicts) > 0 {
		return nil, &scaffold.ConflictError{Folder: tree.Folder, Files: conflicts}
	}
	return tree, nil
}

// askTypes asks who sits at the terminal which connectors there are to be.
func askTypes(ctx context.Context) ([]string, error) {
	terminal, err := openTerminal()
	if err != nil {
		return nil, fmt.Errorf("there is no terminal to ask on: give --yes, or say which connectors there are to be: %w", err)
	}
	defer terminal.Close()
	questions := map[string]string{
		"importer": "an importer, which backs up from it", "exporter": "an exporter, which restores to it",
		"storage": "a storage, which keeps plakar's data in it",
	}
	lines := bufio.NewReader(terminal)
	var chosen []string
	for {
		for i, t := range scaffold.Types {
			fmt.Fprintf(terminal, "%s? [%s] ", questions[t], map[bool]string{true: "Y/n", false: "y/N"}[i == 0])
			answer, err := readLine(ctx, lines)
			if err != nil {
				fmt.Fprintln(terminal)
				return nil, err
			}
			switch strings.ToLower(answer) {
			case "y", "yes":
				chosen = append(chosen, t)
			case "":
				if i == 0 {
					chosen = append(chosen, t)
				}
			}
		}
		if len(chosen) > 0 {
			return chosen, nil
		}
		fmt.Fprintln(terminal, "an integration has at least one of them")
	}
}

// readLine reads what somebody types, until ctx ends.
func readLine(ctx context.Context, lines *bufio.Reader) (string, error) {
	type typed struct {
		line string
		err  error
	}
	read := make(chan typed, 1)
	go func() {
		line, err := lines.ReadString('\n')
		read <- typed{strings.TrimSpace(line), err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case t := <-read:
		if t.err != nil {
			return "", fmt.Errorf("reading the answer: %w", t.err)
		}
		return t.line, nil
	}
}

// printInitialized shows what was written, and what may be done with it.
func printInitialized(out, diagnostics io.Writer, tree *scaffold.Tree) error {
	for _, note := range tree.Notes {
		printWarning(diagnostics, note)
	}
	if screen.verbose {
		for _, f := range tree.Files {
			fmt.Fprintln(out, finding.Printable(filepath.Join(tree.Folder, filepath.FromSlash(f.Path))))
		}
	}
	for _, name := range tree.Kept {
		if !screen.quiet {
			fmt.Fprintln(diagnostics, "kept: "+finding.Printable(filepath.Join(tree.Folder, filepath.FromSlash(name))))
		}
	}
	if err := printVerdict(out, true, "%s: %s written", tree.Folder, english.Plural(len(tree.Files), "file", "")); err != nil {
		return err
	}
	return printNext(out, "kpkg test "+tree.Folder, "kpkg create "+tree.Folder+" v0.1.0 --platform all --out-dir dist")
}

// updateSDK replaces the SDK of an integration.
func updateSDK(cmd *cobra.Command, format *format, folder string, force bool) error {
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is no folder: name that of the integration", folder)
	}
	changes, err := scaffold.UpdateSDK(cmd.Context(), folder, force)
	report := scaffold.UpdateReport(folder, changes, err)
	report.Show = func(out io.Writer) error { return printUpdated(out, folder, changes) }
	if err != nil {
		return errors.Join(err, writeUnlessText(cmd, format, report))
	}
	return errors.Join(format.write(cmd, report), verdict(report))
}

func printUpdated(out io.Writer, folder string, changes []scaffold.Change) error {
	counts := map[string]int{}
	for _, c := range changes {
		counts[c.What]++
		if c.Diff != "" {
			fmt.Fprint(out, finding.PrintableLines(c.Diff))
		}
		if !screen.quiet {
			fmt.Fprintln(out, c.What+": "+finding.Printable(filepath.Join(folder, filepath.FromSlash(c.Path))))
		}
	}
	if len(changes) == 0 {
		return printVerdict(out, true, "%s: the SDK is that of this kpkg", folder)
	}
	if kept := counts["kept"]; kept > 0 {
		return printVerdict(out, false, "%s: %s kept; --force replaces what was modified", folder, english.Plural(kept, "file", ""))
	}
	return printVerdict(out, true, "%s: the SDK is that of this kpkg now", folder)
}
