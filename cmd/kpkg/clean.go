package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/create"
)

func newCleanCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "clean",
		Short: "Remove what kpkg keeps between runs",
		Long: `Remove the executables and receipts that kpkg keeps in the user's cache folder so that the next run
has less to do. It keeps at most 2 GiB there, nothing longer than 30 days without use. Go's own
cache is go clean's business.

Exit status: 0 fine; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg clean`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir := cacheDir()
			if dir == "" {
				return errors.New("there is no cache folder: neither HOME nor XDG_CACHE_HOME names one")
			}
			freed, err := create.Clean(cmd.Context(), dir)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "removed %s from %s\n", humanize.IBytes(uint64(freed)), dir)
			return err
		},
	}
}

// cacheDir is where kpkg keeps what saves work to its next run; "" for a user without a place for that.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "kpkg")
}
