package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
)

// cleaned is what kpkg clean has removed.
type cleaned struct {
	Folder string `json:"folder"`
	Bytes  int64  `json:"bytes"`
}

func newCleanCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "clean",
		Short: "Remove what kpkg keeps between runs",
		Long: `Remove the executables and receipts that kpkg keeps in the user's cache folder so that the next run
has less to do. It keeps at most 2 GiB there, nothing longer than 30 days without use. Go's own
cache is go clean's business.

Exit status: 0 fine; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg clean`,
	}
	format := formatFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		report := &finding.Report{Command: "clean"}
		dir := cacheDir()
		var freed int64
		err := errors.New("there is no cache folder: neither HOME nor XDG_CACHE_HOME names one")
		if dir != "" {
			freed, err = create.Clean(cmd.Context(), dir)
		}
		var removed []cleaned
		if err != nil {
			report.Fail(dir, err)
		} else {
			removed = append(removed, cleaned{dir, freed})
		}
		report.Lists = []finding.List{finding.NewList("cleaned", removed)}
		if err != nil {
			return errors.Join(err, writeUnlessText(cmd, format, report))
		}
		report.Show = func(out io.Writer) error {
			if screen.quiet {
				return nil
			}
			_, err := fmt.Fprintf(out, "removed %s from %s\n", humanize.IBytes(uint64(freed)), dir)
			return err
		}
		return format.write(cmd, report)
	}
	return cmd
}

// writeUnlessText writes the report of what was not done for programs; people are told by an error.
func writeUnlessText(cmd *cobra.Command, format *format, report *finding.Report) error {
	if format.isText() {
		return nil
	}
	return format.write(cmd, report)
}

// cacheDir is where kpkg keeps what saves work to its next run; "" for a user without a place for that.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "kpkg")
}
