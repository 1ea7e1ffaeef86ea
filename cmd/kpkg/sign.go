package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/release"
)

func newSignCommand() *cobra.Command {
	var key keyFlag
	cmd := &cobra.Command{
		Use:   "sign FILE... --key SECRET",
		Short: "Write the sum and the signature of files",
		Long: `Write F.sum and F.sum.sig beside each FILE F: its SHA-256, and that signed with a secret key of kpkg
keygen or signify. A signature that is there is replaced, which is how files change from one key to
the next; a sum that is there and is not the file's is an error.

A signature says that the holder of the key has signed a file of this name with these bytes, and
nothing of what the file does. docs/trust.md says more.

Exit status: 0 all files are signed; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg sign --key acme-2026.sec dist/*.ptar dist/recipe.yaml
  signify-openbsd -C -p acme-2026.pub -x ftp_v1.2.3_linux_amd64.ptar.sum.sig`,
	}
	key.addFlags(cmd)
	cmd.Args = func(*cobra.Command, []string) error {
		if key.file == "" {
			return usagef("--key is missing: kpkg sign FILE... --key SECRET")
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		secret, err := key.open(cmd)
		if err != nil {
			return err
		}
		failed := 0
		for _, path := range args {
			sum, err := release.Sign(cmd.Context(), path, secret)
			if err != nil {
				if cmd.Context().Err() != nil {
					return err
				}
				printError(cmd.ErrOrStderr(), err)
				failed++
				continue
			}
			if !screen.quiet {
				fmt.Fprintf(cmd.OutOrStdout(), "signed  %s  sha256:%s  key %s\n", finding.Printable(path), sum.SHA256, secret.ID)
			}
		}
		if failed > 0 {
			return errFailed
		}
		return nil
	}
	return cmd
}
