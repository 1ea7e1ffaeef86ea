package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

func newManualCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:    "manual DIR",
		Hidden: true, // for those who make packages of kpkg
		Short:  "Write the manual pages of all commands",
		Long: `Write the manual pages of kpkg and of each of its commands into the folder DIR, for man(1). The date in
them is SOURCE_DATE_EPOCH, else today.

Exit status: 0 fine; 2 wrong usage; 3 they could not be written.`,
		Example: `  kpkg manual share/man/man1`,
	}
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if err := os.MkdirAll(args[0], 0o755); err != nil {
			return fmt.Errorf("making the folder of the manual pages: %w", err)
		}
		// Another tree of commands, as the texts in it are changed.
		root := newRootCommand()
		root.DisableAutoGenTag = true
		eachCommand(root, func(cmd *cobra.Command) {
			cmd.Short, cmd.Long = markdown(cmd.Short), markdown(cmd.Long)
			cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { f.Usage = markdown(strings.ReplaceAll(f.Usage, "`", "")) })
		})
		header := doc.GenManHeader{Section: "1", Source: "kpkg " + ownVersions().Kpkg, Manual: "kpkg"}
		if err := doc.GenManTree(root, &header, args[0]); err != nil {
			return fmt.Errorf("writing the manual pages: %w", err)
		}
		return nil
	}
	return cmd
}

// markup is what Markdown takes for its own.
var markup = regexp.MustCompile("[\\\\*_<\\[`|]")

// markdown has text read as it stands by what takes it for Markdown. Paragraphs that are indented are blocks.
func markdown(text string) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		if strings.HasPrefix(p, " ") {
			paragraphs[i] = "```\n" + strings.TrimRight(p, "\n") + "\n```"
		} else {
			paragraphs[i] = markup.ReplaceAllString(p, `\$0`)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}
