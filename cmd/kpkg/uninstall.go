package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/install"
	"github.com/PlakarKorp/kpkg/manifest"
)

func newUninstallCommand() *cobra.Command {
	var root string
	cmd := &cobra.Command{
		Use:   "uninstall NAME...",
		Short: "Take integrations away from plakar",
		Long: `Remove the packages of integrations, and what was extracted of them: NAME removes all versions,
NAME@VERSION one.

Exit status: 0 all are gone; 2 wrong usage; 3 one was not installed, or it could not be done.`,
		Example:           `  kpkg uninstall ftp`,
		ValidArgsFunction: completeInstalled,
	}
	rootFlag(cmd, &root)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		folders, err := install.UserFolders(root)
		if err != nil {
			return err
		}
		store, err := install.Open(cmd.Context(), folders)
		if err != nil {
			return err
		}
		defer store.Close()
		failed := false
		for _, name := range args {
			removed, err := store.Uninstall(name)
			if err != nil {
				printError(cmd.ErrOrStderr(), err)
				failed = true
				continue
			}
			for _, file := range removed {
				if err := printVerdict(cmd.OutOrStdout(), true, "uninstalled  %s", strings.TrimSuffix(file, manifest.Extension)); err != nil {
					return err
				}
			}
		}
		if failed {
			return errFailed
		}
		return nil
	}
	return cmd
}

// completeInstalled has the shell offer the names of installed integrations.
func completeInstalled(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	folders, err := install.UserFolders("")
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return folders.Names(), cobra.ShellCompDirectiveNoFileComp
}
