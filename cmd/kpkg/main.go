// Command kpkg turns the source tree of a plakar integration into packages that install, and checks packages.
//
// Each command is one file: flags in, one call to a package that any Go program could make, the result printed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/internal/access"
)

// The exit codes of all commands.
const (
	exitOK       = 0
	exitFindings = 1 // what was judged has findings of severity error
	exitUsage    = 2 // the command line is wrong
	exitFailed   = 3 // it could not be done: I/O, a failed build, an interruption
)

// errFindings ends a command whose findings, already printed, have errors.
var errFindings = errors.New("findings of severity error")

// errFailed ends a command that has already printed what it could not do.
var errFailed = errors.New("failed")

func main() {
	boundMemory()
	// Where it is not allowed, plugins' left processes are ended all the same, and reaped by whoever adopts them.
	_ = host.AdoptOrphans()
	os.Exit(run(untilSignal(), os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	completing = len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd)
	root := newRootCommand()
	root.SetArgs(withoutPasswords(args))
	root.SetOut(stdout{ctx})
	cmd, err := root.ExecuteContextC(access.With(ctx, &servers))
	err = errors.Join(err, helpFailed)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.Is(err, errFailed):
		return exitFailed
	case readerGone(err):
		return exitOK
	case errors.As(err, &usage):
		printError(os.Stderr, err)
		if cmd.Name() == "help" {
			cmd = cmd.Root()
		}
		printHint(os.Stderr, cmd.CommandPath()+" --help says what there is")
		return exitUsage
	case ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx))):
		printError(os.Stderr, errors.New("interrupted; nothing half-made was left behind"))
		return exitFailed
	}
	printError(os.Stderr, err)
	return exitFailed
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "kpkg",
		Short: "Build, check and try packages of plakar integrations",
		Long: `kpkg turns the source tree of a plakar integration into packages that plakar installs:
the manifest is validated, the executables are built for every platform, and each
package is verified before it appears under its name.

Exit status: 0 fine; 1 findings of severity error; 2 wrong usage; 3 it could not be done.`,
		Example: `  kpkg validate
  kpkg create --platform all --out-dir dist
  kpkg verify dist/*.ptar
  kpkg test dist/ftp_v1.2.3_linux_amd64.ptar`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	version := root.Flags().Bool("version", false, "print the version of kpkg")
	root.RunE = func(cmd *cobra.Command, _ []string) error {
		if !*version {
			return cmd.Help()
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "kpkg version %s\n", ownVersions().Kpkg)
		return err
	}
	root.PersistentPreRunE = checkPaths
	addScreenFlags(root)
	addServerFlags(root)
	root.SetHelpFunc(printHelp)
	root.SetHelpCommand(newHelpCommand())
	root.AddCommand(
		newInitCommand(),
		newValidateCommand(),
		newCreateCommand(),
		newVerifyCommand(),
		newDiffCommand(),
		newPackCommand(),
		newServeCommand(),
		newTestCommand(),
		newTryCommand(),
		newReleaseCommand(),
		newIndexCommand(),
		newPublishCommand(),
		newMirrorCommand(),
		newListCommand(),
		newCatCommand(),
		newExtractCommand(),
		newCheckCommand(),
		newInspectCommand(),
		newKeygenCommand(),
		newSignCommand(),
		newInstallCommand(),
		newInstalledCommand(),
		newUpgradeCommand(),
		newUninstallCommand(),
		newTrustCommand(),
		newMatrixCommand(),
		newExplainCommand(),
		newCleanCommand(),
		newSchemaCommand(),
		newVersionCommand(),
		newManualCommand(),
	)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	strictUsage(root)
	return root
}
