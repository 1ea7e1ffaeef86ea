package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/release"
)

func newKeygenCommand() *cobra.Command {
	var comment string
	var words passphrase
	cmd := &cobra.Command{
		Use:   "keygen NAME",
		Short: "Make a pair of keys to sign with",
		Long: `Make a pair of keys: NAME.sec, which signs and stays with you, and NAME.pub, which others check your
signatures with. They are those of OpenBSD's signify, and nothing that is there is replaced.

The secret key is kept under a passphrase, which is asked for twice, or read from a file with
--passphrase-file, - for the standard input. With --no-passphrase whoever can read the file can sign.

Exit status: 0 fine; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg keygen acme-2026
  kpkg keygen ci --passphrase-file /run/secrets/passphrase`,
	}
	var none bool
	cmd.Flags().StringVar(&comment, "comment", "", "`TEXT` of the first line of both files (default NAME's last part)")
	words.addFlag(cmd)
	cmd.Flags().BoolVar(&none, "no-passphrase", false, "keep the secret key without a passphrase")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var secret []byte
		if none && words.file != "" {
			return usagef("give either --no-passphrase or --passphrase-file")
		}
		if !none {
			var err error
			if secret, err = words.choose(cmd); err != nil {
				return err
			}
		}
		key, err := release.WritePair(cmd.Context(), args[0], comment, secret)
		if err != nil {
			return err
		}
		if !screen.quiet {
			fmt.Fprintf(cmd.OutOrStdout(), "%s  the secret key: keep it, and a copy where it cannot be lost with this machine\n"+
				"%s  the public key %s: hand it to whoever checks your signatures\n",
				finding.Printable(args[0]+release.SecretExtension), finding.Printable(key.File), key.ID)
		}
		return printNext(cmd.OutOrStdout(), "kpkg sign --key "+args[0]+release.SecretExtension+" FILE")
	}
	return cmd
}
