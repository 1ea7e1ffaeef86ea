package main

import (
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/install"
)

func newUpgradeCommand() *cobra.Command {
	var from origin
	cmd := &cobra.Command{
		Use:   "upgrade [NAME...]",
		Short: "Install what a registry has of newer versions",
		Long: `Install the version that the registry offers of each NAME, where it is newer than the installed one;
without any, of all installed integrations that the registry has. As with install, the new version is
held to its signature and verified first, then it is there, and then the old one goes.

Exit status: 0 all are as new as the registry has them; 1 one was refused; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg upgrade --registry https://packages.example.org/acme
  kpkg upgrade ftp`,
		ValidArgsFunction: completeInstalled,
	}
	format := formatFlag(cmd)
	from.addFlags(cmd)
	rootFlag(cmd, &from.root)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		if err := from.read(); err != nil {
			return err
		}
		folders, err := install.UserFolders(from.root)
		if err != nil {
			return err
		}
		registry, findings, err := from.open(ctx, format.isText())
		if err != nil {
			return err
		}
		store, err := install.Open(ctx, folders)
		if err != nil {
			return err
		}
		defer store.Close()
		all := len(args) == 0
		if all {
			args = folders.Names()
		}
		if finding.HasErrors(findings) {
			return installAll(cmd, format, []string{findings[0].File}, func(location string) (*install.Result, error) {
				return install.Refusal(location, findings...), nil
			})
		}
		return installAll(cmd, format, args, func(name string) (*install.Result, error) {
			result, err := store.Upgrade(ctx, registry, name, from.keysFor, install.Options{})
			if all && errors.Is(err, fs.ErrNotExist) { // it is from elsewhere
				return store.Kept(name)
			}
			return result, err
		})
	}
	return cmd
}
