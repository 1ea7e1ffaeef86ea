package finding

import (
	"fmt"
	"io"
	"strings"
)

var _ = register("github", writeGitHub)

// writeGitHub writes each finding as a workflow command that GitHub shows beside the line it is about. GitHub keeps ten
// annotations of a severity and step, so errors come first.
//
// Source: GitHub, "Workflow commands for GitHub Actions", and actions/toolkit's command.ts for what is escaped.
func writeGitHub(w io.Writer, r *Report) error {
	sources := newSources(r.Text.Source)
	for _, f := range WorstFirst(r.Findings) {
		var properties []string
		add := func(name, value string) { properties = append(properties, name+"="+escapeProperty(value)) }
		if f.File != "" {
			add("file", r.located(f))
		}
		if f.Line > 0 {
			add("line", fmt.Sprint(f.Line))
		}
		if column := sources.column(f); column > 0 {
			add("col", fmt.Sprint(column))
		}
		add("title", "kpkg "+r.Command+": "+f.Rule)
		message := Printable(cut(f.Message, maxMessage))
		if f.Hint != "" {
			message += "\n" + Printable(cut(f.Hint, maxMessage))
		}
		if _, err := fmt.Fprintf(w, "::%s %s::%s\n", githubLevels[f.Severity], strings.Join(properties, ","), escapeData(message)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "kpkg %s: %s\n", r.Command, Tally(r.Findings))
	return err
}

var githubLevels = [...]string{Error: "error", Warning: "warning", Info: "notice"}

var (
	escapeData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace
	escapeProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace
)
