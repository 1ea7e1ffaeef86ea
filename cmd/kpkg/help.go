package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/PlakarKorp/kpkg/finding"
)

// helpWidth is the most columns of a page of help, for terminals that have them.
const helpWidth = 80

// helpFailed is why a page of help was not printed, which cobra does not ask.
var helpFailed error

// printHelp prints the page of help of a command.
func printHelp(cmd *cobra.Command, _ []string) {
	var page bytes.Buffer
	writeHelp(&page, cmd, width(cmd.OutOrStdout()))
	_, helpFailed = cmd.OutOrStdout().Write(page.Bytes())
}

func writeHelp(out io.Writer, cmd *cobra.Command, has int) {
	columns := helpWidth
	if has > 0 {
		columns = max(min(has, helpWidth), helpWidth/2)
	}
	fmt.Fprintln(out, reflow(cmp.Or(cmd.Long, cmd.Short), columns))
	fmt.Fprintf(out, "\nUsage:\n  %s\n", finding.Wrap(cmd.UseLine(), columns-2, "      "))
	if cmd.HasAvailableSubCommands() {
		printCommands(out, cmd, columns)
	}
	if cmd.Example != "" {
		fmt.Fprintf(out, "\nExamples:\n%s\n", cmd.Example)
	}
	printFlags(out, "Flags", cmd.LocalFlags(), columns)
	printFlags(out, "Flags of all commands", cmd.InheritedFlags(), columns)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(out, "\n%s COMMAND --help says more of a command.\n", cmd.CommandPath())
	}
}

// groups are the commands by what one is about to do; those in none come last.
var groups = []struct {
	title string
	names []string
}{
	{"Make", []string{"init", "validate", "create", "pack", "matrix"}},
	{"Look inside", []string{"inspect", "ls", "cat", "extract", "check", "diff", "serve"}},
	{"Test", []string{"verify", "test", "try"}},
	{"Publish", []string{"release", "index", "publish", "mirror", "keygen", "sign"}},
	{"Install", []string{"install", "installed", "upgrade", "uninstall", "trust"}},
}

// printCommands lists the commands below one, those of kpkg itself in groups.
func printCommands(out io.Writer, cmd *cobra.Command, columns int) {
	left := map[string]*cobra.Command{}
	var order []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			left[sub.Name()] = sub
			order = append(order, sub.Name())
		}
	}
	list := func(title string, names []string) {
		begun := false
		for _, name := range names {
			sub := left[name]
			if sub == nil {
				continue
			}
			if !begun {
				fmt.Fprintf(out, "\n%s:\n", title)
				begun = true
			}
			fmt.Fprintln(out, finding.Wrap(fmt.Sprintf("  %-12s %s", name, sub.Short), columns, strings.Repeat(" ", 15)))
			delete(left, name)
		}
	}
	if cmd.HasParent() {
		list("Available Commands", order)
		return
	}
	for _, g := range groups {
		list(g.title, g.names)
	}
	list("Other", order)
}

func printFlags(out io.Writer, title string, flags *pflag.FlagSet, columns int) {
	if flags.HasAvailableFlags() {
		fmt.Fprintf(out, "\n%s:\n%s\n", title, strings.TrimRight(flags.FlagUsagesWrapped(columns), " \n"))
	}
}

// reflow breaks paragraphs anew; lines that are indented stay as they are.
func reflow(text string, columns int) string {
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, p := range paragraphs {
		if !strings.HasPrefix(p, " ") && !strings.HasPrefix(p, "\t") {
			paragraphs[i] = finding.Wrap(strings.ReplaceAll(p, "\n", " "), columns, "")
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// newHelpCommand is cobra's, which takes no unknown word for a command.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND...]",
		Short: "Say what a command does and what it takes",
		Example: `  kpkg help create
  kpkg help try backup`,
		RunE: func(cmd *cobra.Command, args []string) error {
			found, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				if found == nil {
					found = cmd.Root()
				}
				return unknownCommand(found, cmp.Or(strings.Join(rest, " "), strings.Join(args, " ")))
			}
			return found.Help()
		},
	}
}
