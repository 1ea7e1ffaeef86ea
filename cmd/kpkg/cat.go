package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/inspect"
)

func newCatCommand() *cobra.Command {
	var flags ptarFlags
	cmd := &cobra.Command{
		Use:   "cat FILE PATH...",
		Short: "Print the bytes of files in a package or an archive",
		Long: `Print the content of files in a ptar, one after another, as it is. PATH is what kpkg ls prints, in any form: a/b,
./a/b and /a/b are the same. Every byte is compared with its MAC before it is printed.

FILE may also be an http(s) URL, or - for the standard input.

Exit status: 0 all are printed; 2 wrong usage; 3 one could not be read.`,
		Example: `  kpkg cat ftp_v0.1.0_linux_amd64.ptar manifest.yaml
  kpkg cat backup.ptar docs/letter.pdf > letter.pdf`,
	}
	flags.add(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		opened, err := flags.open(cmd, args[0])
		if err != nil {
			return err
		}
		defer opened.Close()
		failed := false
		for _, name := range args[1:] {
			err := inspect.Cat(cmd.Context(), opened.Snapshot, name, cmd.OutOrStdout())
			var out *fs.PathError
			if err != nil && (cmd.Context().Err() != nil || errors.As(err, &out)) {
				return err // of the output, or an interruption
			}
			if err != nil {
				failed = true
				printError(cmd.ErrOrStderr(), fmt.Errorf("%s: %w", name, err))
			}
		}
		if failed {
			return errFailed
		}
		return nil
	}
	return cmd
}
