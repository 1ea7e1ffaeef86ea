package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/extract"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/inspect"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/ptarread"
)

func newExtractCommand() *cobra.Command {
	var flags ptarFlags
	var x extraction
	cmd := &cobra.Command{
		Use:   "extract FILE [PATTERN...]",
		Short: "Extract a package or an archive into a folder, a tar or a zip",
		Long: `Extract a ptar, or what PATTERN selects of it, into the folder of -C, a tar or a zip. What the source began at becomes
the folder. Permissions, times, links and extended attributes are restored, owners too if you are root; setuid and
setgid are not, nor devices and sockets. Nothing is written outside of the folder, whatever names and links in the ptar say.

` + patternsHelp + `

What is there already is kept, and counts as a failure, unless --force replaces it; links are never followed. An entry
that fails does not keep the others from being extracted. A file is there in whole or not at all.

FILE may also be an http(s) URL, or - for the standard input.

Exit status: 0 all is extracted; 2 wrong usage; 3 it could not be done, or not for all entries, or the
snapshot itself lacks some.`,
		Example: `  kpkg extract backup.ptar -C restored
  kpkg extract backup.ptar docs/letters '*.jpg' -C restored --snapshot latest
  kpkg extract backup.ptar --tar - | ssh host tar xf -`,
	}
	flags.add(cmd, true)
	cmd.Flags().StringVarP(&x.folder, "directory", "C", "", "extract into the folder `DIR`, which is made if need be")
	cmd.Flags().StringVar(&x.tar, "tar", "", "write a tar to `FILE`, - for standard output")
	cmd.Flags().StringVar(&x.zip, "zip", "", "write a zip to `FILE`, - for standard output")
	cmd.Flags().BoolVar(&x.opts.Force, "force", false, "replace what is there")
	completeFolders(cmd, "directory")
	x.format = formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := x.check(cmd.OutOrStdout()); err != nil {
			return err
		}
		opened, err := flags.open(cmd, args[0])
		if err != nil {
			return cannotOpen(cmd, x.format, err, func(err error) *finding.Report {
				return extract.Report(args[0], nil, "", extract.Result{}, err)
			})
		}
		defer opened.Close()
		x.opts.Patterns = args[1:]
		return x.run(cmd, args[0], opened.Snapshot)
	}
	return cmd
}

// extraction is what the flags say of where to extract to.
type extraction struct {
	folder, tar, zip string
	format           *format
	opts             extract.Options
}

func (x *extraction) check(out io.Writer) error {
	given := 0
	for _, one := range []string{x.folder, x.tar, x.zip} {
		if one != "" {
			given++
		}
	}
	switch {
	case given == 0:
		return usagef("say where to: -C DIR, --tar FILE or --zip FILE")
	case given > 1:
		return usagef("-C, --tar and --zip are one of three")
	case x.streams() && !x.format.isText():
		return usagef("standard output takes the report or the archive, not both: name a file")
	case x.streams() && isTerminal(out):
		return usagef("a terminal is no place for a tar or a zip: name a file, or redirect the output")
	}
	return nil
}

// streams tells whether a tar or a zip goes to the standard output.
func (x *extraction) streams() bool { return x.tar == "-" || x.zip == "-" }

func (x *extraction) run(cmd *cobra.Command, file string, snapshot *ptarread.Snapshot) error {
	begin := time.Now()
	// Packages are made of files whose owners mean nothing elsewhere.
	x.opts.Owners = os.Geteuid() == 0 && !inspect.IsPackage(snapshot)
	shown := newExtractProgress(cmd.ErrOrStderr())
	x.opts.Progress = shown.step
	result, err := x.to(cmd, snapshot)
	shown.close()
	err = x.ended(cmd.Context(), result, err)
	if inspect.IsPackage(snapshot) {
		result.Owners = 0
	}
	if !x.format.isText() {
		report := extract.Report(file, snapshot, x.folder+x.tar+x.zip, result, err)
		return errors.Join(x.format.write(cmd, report), verdict(report))
	}

	var failures []inspect.Failure
	for _, f := range result.Failures {
		failures = append(failures, inspect.Failure{Path: f.Path, Error: f.Error})
	}
	printMissing(cmd.ErrOrStderr(), "error", failures, result.Failed+result.Missing)
	for _, warning := range result.Warnings() {
		printWarning(cmd.ErrOrStderr(), warning.Message)
	}
	if err != nil {
		return err
	}
	if !x.streams() {
		text := extracted(result)
		if took := time.Since(begin); took >= time.Second {
			text += fmt.Sprintf(" in %.1fs", took.Seconds())
		}
		text = fmt.Sprintf("extracted %s to %s", text, finding.Printable(x.folder+x.tar+x.zip))
		failed := result.Failed + result.Missing
		if failed > 0 {
			text += fmt.Sprintf("; %d failed", failed)
		}
		if err := printVerdict(cmd.OutOrStdout(), failed == 0, "%s", text); err != nil {
			return err
		}
	}
	if result.Failed+result.Missing > 0 {
		return fmt.Errorf("%s: see above", english.Plural(result.Failed+result.Missing, "entry was not extracted", "entries were not extracted"))
	}
	return nil
}

// ended is the error of an extraction that ended early, with what it has left.
func (x *extraction) ended(ctx context.Context, result extract.Result, err error) error {
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled):
		return fmt.Errorf("interrupted: %s", x.soFar(result))
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("the disk is full: %w; %s", err, x.soFar(result))
	}
	return err
}

// soFar says what an extraction that ended early has left.
func (x *extraction) soFar(r extract.Result) string {
	if x.folder == "" {
		return "nothing was left behind"
	}
	return "extracted " + extracted(r) + "; no file is there in part"
}

func extracted(r extract.Result) string {
	parts := []string{english.Plural(r.Files, "file", ""), english.Plural(r.Folders, "folder", "")}
	if r.Links > 0 {
		parts = append(parts, english.Plural(r.Links, "link", ""))
	}
	return strings.Join(append(parts, humanize.IBytes(uint64(r.Bytes))), ", ")
}

func (x *extraction) to(cmd *cobra.Command, snapshot *ptarread.Snapshot) (result extract.Result, err error) {
	ctx := cmd.Context()
	switch {
	case x.folder != "":
		return extract.Folder(ctx, snapshot, x.folder, x.opts)
	case x.tar == "-":
		return extract.Tar(ctx, snapshot, cmd.OutOrStdout(), x.opts)
	case x.zip == "-":
		return extract.Zip(ctx, snapshot, cmd.OutOrStdout(), x.opts)
	}
	name, write := x.tar, extract.Tar
	if x.zip != "" {
		name, write = x.zip, extract.Zip
	}
	if _, err := os.Lstat(name); err == nil && !x.opts.Force {
		return result, fmt.Errorf("%s is already there; --force replaces it", name)
	}
	err = place.Written(ctx, name, x.opts.Force, func(out io.Writer) (err error) {
		result, err = write(ctx, snapshot, out, x.opts)
		return err
	}, func(*os.File, string) error { return nil })
	if errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("%s is already there; --force replaces it", name)
	}
	return result, err
}

// extractProgress shows how far an extraction has come, in one line of a terminal.
type extractProgress struct {
	out  io.Writer
	last time.Time
	told bool
}

func newExtractProgress(out io.Writer) *extractProgress {
	p := &extractProgress{last: time.Now()}
	if !screen.quiet && isTerminal(out) {
		p.out = out
	}
	return p
}

// step is told often; calls do not overlap.
func (p *extractProgress) step(r extract.Result) {
	if p.out == nil || time.Since(p.last) < time.Second/5 {
		return
	}
	p.last, p.told = time.Now(), true
	line := extracted(r)
	if columns := width(p.out); columns > 0 && len(line) >= columns {
		line = line[:columns-1]
	}
	fmt.Fprintf(p.out, "\r%s\x1b[K", line)
}

// close takes the line away.
func (p *extractProgress) close() {
	if p.told {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
