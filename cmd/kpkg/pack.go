package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/pack"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/try"
)

func newPackCommand() *cobra.Command {
	var opts pack.Options
	var words passphrase
	var output string
	var force, encrypt bool
	var excludeFrom []string
	compression := oneOf{value: string(ptarbuild.LZ4), known: compressionNames()}
	cmd := &cobra.Command{
		Use:   "pack PATH... -o FILE",
		Short: "Make an archive of files and folders",
		Long: `Make an archive of any files and folders: a ptar that plakar lists, checks and restores, with links, devices,
owners, times and extended attributes. A package of an integration is made by kpkg create.

The archive appears under its name once it is whole; with -o - it is written to the standard output. What cannot be read
is listed, and recorded in the archive; the rest is packed all the same.

PATTERN is what .gitignore has, about paths below each PATH: "*.tmp" for names anywhere, "/build" for one at the top,
"cache/" for folders, "!keep.tmp" for what is not left out after all.

With --encrypt, the passphrase comes from --passphrase-file, from PLAKAR_PASSPHRASE, or from the terminal. With
--reproducible, the same files give the same bytes wherever they are packed: owners and the folders they are in are left
out, and the archive's time is SOURCE_DATE_EPOCH, or 1970.

Exit status: 0 all is packed; 2 wrong usage; 3 it could not be done, or not all could be read.`,
		Example: `  kpkg pack ~/photos -o photos.ptar
  kpkg pack src docs --exclude '*.o' --exclude-from .gitignore -o work.ptar
  kpkg pack --encrypt /etc -o - | ssh host 'cat > etc.ptar'`,
	}
	flags := cmd.Flags()
	flags.StringVarP(&output, "output", "o", "", "`FILE` to make, or - for the standard output")
	flags.BoolVar(&force, "force", false, "replace a file that is there")
	flags.StringArrayVar(&opts.Exclude, "exclude", nil, "leave out what `PATTERN` matches, as in .gitignore; may be repeated")
	flags.StringArrayVar(&excludeFrom, "exclude-from", nil, "leave out what a pattern in `FILE` matches; may be repeated")
	flags.BoolVar(&encrypt, "encrypt", false, "encrypt the archive with a passphrase")
	flags.Var(&compression, "compression", "`METHOD`: "+strings.Join(compression.known, ", "))
	flags.StringVar(&opts.Name, "name", "", "`NAME` of the snapshot in the archive")
	flags.BoolVar(&opts.Reproducible, "reproducible", false, "make the same bytes of the same files everywhere")
	words.addFlag(cmd)
	completeValues(cmd, "compression", compression.known...)
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		switch {
		case output == "":
			return usagef("name the archive to make, as in -o archive.ptar")
		case opts.Reproducible && encrypt:
			return usagef("--reproducible and --encrypt exclude each other: what is encrypted is never the same twice")
		case words.file != "" && !encrypt:
			return usagef("--passphrase-file has no use without --encrypt")
		case output == "-" && !format.isText():
			return usagef("with -o - the standard output is the archive: there is no room for a report")
		case output == "-" && isTerminal(cmd.OutOrStdout()):
			return usagef("the standard output is a terminal: name a file, as in -o archive.ptar")
		}
		opts.Paths, opts.Compression = args, ptarbuild.Compression(compression.value)
		if err := readExcludes(cmd.Context(), &opts, excludeFrom); err != nil {
			return err
		}
		if opts.Time, err = sourceDate(); err != nil {
			return usageError{err}
		}
		if encrypt {
			if opts.Passphrase, err = newPassphrase(cmd, &words); err != nil {
				return err
			}
		}
		hintAtCreate(cmd.ErrOrStderr(), args)
		shown := newTransfer(cmd.ErrOrStderr(), screen.quiet)
		shown.step(packed(pack.Progress{}))
		opts.Progress = func(p pack.Progress) { shown.step(packed(p)) }
		var result pack.Result
		if output == "-" {
			result, err = pack.Write(cmd.Context(), cmd.OutOrStdout(), opts)
		} else {
			result, err = pack.File(cmd.Context(), output, force, opts)
		}
		shown.close()
		return packVerdict(cmd, format, output, result, err, shown)
	}
	return cmd
}

func compressionNames() []string {
	var names []string
	for _, c := range ptarbuild.Compressions {
		names = append(names, string(c))
	}
	return names
}

// readExcludes puts the patterns of files before those of the command line, which so count more.
func readExcludes(ctx context.Context, opts *pack.Options, files []string) error {
	var all []string
	for _, name := range files {
		patterns, err := pack.ReadPatterns(ctx, func() (io.ReadCloser, error) { return os.Open(name) })
		if err != nil {
			return fmt.Errorf("read patterns of %s: %w", name, err)
		}
		all = append(all, patterns...)
	}
	opts.Exclude = append(all, opts.Exclude...)
	return nil
}

// newPassphrase is that of a new archive, asked for twice at a terminal.
func newPassphrase(cmd *cobra.Command, words *passphrase) ([]byte, error) {
	if given := os.Getenv(passphraseVariable); given != "" && words.file == "" {
		return []byte(given), nil
	}
	return words.choose(cmd)
}

// packed is the progress of packing as a transfer is shown.
func packed(p pack.Progress) try.Progress {
	return try.Progress{
		Stage: try.Copying, Files: p.Files, Directories: p.Folders, Others: p.Others, Bytes: p.Bytes, Failed: p.Failed,
	}
}

// sourceDate is the time of SOURCE_DATE_EPOCH; zero when it is not set.
func sourceDate() (time.Time, error) {
	value, set := os.LookupEnv("SOURCE_DATE_EPOCH")
	if !set || value == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil || seconds < 0 || seconds > math.MaxInt64/1_000_000_000-1 {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q, not a number of seconds since 1970", finding.Cut(value))
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// hintAtCreate tells who packs an integration what makes a package of it.
func hintAtCreate(w io.Writer, paths []string) {
	for _, name := range paths {
		file := name
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			file = filepath.Join(name, manifest.FileName)
		} else if filepath.Base(name) != manifest.FileName {
			continue
		}
		data, err := regular.Read(file, manifest.MaxSize+1)
		if err == nil && len(manifest.Read(file, data).Manifest.Connectors) > 0 {
			printHint(w, fmt.Sprintf("%s is an integration's: this makes an archive of it; for a package, kpkg create %[1]s", name))
		}
	}
}

// packVerdict prints what has become of it.
func packVerdict(cmd *cobra.Command, format *format, output string, result pack.Result, err error, shown *transfer) error {
	if !format.isText() {
		report := pack.Report(output, result, err)
		return errors.Join(format.write(cmd, report), verdict(report))
	}
	diagnostics := cmd.ErrOrStderr()
	for _, f := range result.Failures {
		fmt.Fprintf(diagnostics, "kpkg: error: %s\n", finding.Printable(finding.CutMessage(f.Path+": "+f.Error)))
	}
	if more := result.Failed - len(result.Failures); more > 0 {
		fmt.Fprintf(diagnostics, "kpkg: error: and %d more\n", more)
	}
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if output == "-" {
		out = diagnostics
	}
	if !screen.quiet {
		fmt.Fprintf(out, "packed %s to %s, %s\n", shown.copied(packed(result.Progress)), finding.Printable(output),
			humanize.IBytes(uint64(result.Size)))
	}
	if result.Failed > 0 {
		return fmt.Errorf("%s could not be packed: see above", english.Plural(result.Failed, "entry", "entries"))
	}
	return nil
}
