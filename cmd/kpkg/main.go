// Command kpkg turns the source tree of a plakar integration into packages that install, and checks packages.
//
// Each command is one file: flags in, one call to a package that any Go program could make, the answer printed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/PlakarKorp/kpkg/host"
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

// usageError is a mistake on the command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func main() {
	// Where it is not allowed, plugins' left processes are ended all the same, and reaped by whoever adopts them.
	_ = host.AdoptOrphans()
	os.Exit(run(untilSignal(), os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	root := newRootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
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
		fmt.Fprintln(os.Stderr, "kpkg: hint: `kpkg help` and `kpkg COMMAND --help` say what there is")
		return exitUsage
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "kpkg: error: interrupted; nothing half-made was left behind")
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
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return refuseEmpty(cmd.Flags()) }
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newValidateCommand(),
		newCreateCommand(),
		newVerifyCommand(),
		newTestCommand(),
		newTryCommand(),
		newMatrixCommand(),
		newExplainCommand(),
		newCleanCommand(),
		newSchemaCommand(),
		newVersionCommand(),
	)
	for _, cmd := range root.Commands() {
		cmd.Args = asUsage(cmd.Args)
	}
	root.Args = asUsage(func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		message := fmt.Sprintf("unknown command %q", args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			message += fmt.Sprintf("; did you mean %q?", near[0])
		}
		return errors.New(message)
	})
	return root
}

// refuseEmpty makes an error of a text given as a flag that is empty, such as --rebuild "$DIR" with a variable that is not
// set: it would count as not given.
func refuseEmpty(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" {
			err = usagef("--%s has no value", f.Name)
		}
	})
	return err
}

// asUsage makes the errors of a command's argument check errors of usage.
func asUsage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check == nil {
			return nil
		}
		if err := check(cmd, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}
