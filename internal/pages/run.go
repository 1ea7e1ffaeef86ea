package pages

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// separator begins the output of a block, followed by its number: no program prints it.
const separator = "\x1e"

// Run writes the files of a page and runs its commands with the given marks, in the order of the page, in one shell that begins
// in dir and ends at the first failure. It has the variables of env alone. Each block of output is held against what the block
// before it, of those that run, has printed.
func (p Page) Run(ctx context.Context, dir string, env []string, runs ...string) error {
	var script strings.Builder
	for i, block := range p.Blocks {
		switch {
		case block.File != "":
			fmt.Fprintf(&script, "mkdir -p \"$(dirname '%s')\"\ncat > '%[1]s' <<'END-OF-BLOCK'\n%sEND-OF-BLOCK\n", block.File, block.Text)
		case block.Language == "sh" && slices.Contains(runs, block.Mark):
			fmt.Fprintf(&script, "printf '\\036%d\\n'\n%s", i, block.Text)
		}
	}
	shell := exec.CommandContext(ctx, "sh", "-e")
	shell.Dir, shell.Env, shell.Stdin = dir, env, strings.NewReader(script.String())
	out, err := shell.CombinedOutput()
	printed := map[int]string{}
	for part := range strings.SplitSeq(string(out), separator) {
		number, text, _ := strings.Cut(part, "\n")
		var at int
		if _, scanErr := fmt.Sscan(number, &at); scanErr == nil {
			printed[at] = text
		}
	}
	if err != nil {
		last := -1
		for at := range printed {
			last = max(last, at)
		}
		if last < 0 {
			return fmt.Errorf("%s: %w\n%s", p.Name, err, out)
		}
		return fmt.Errorf("%s: %w\n%s", p.Blocks[last], err, printed[last])
	}
	ran := -1
	for i, block := range p.Blocks {
		if _, known := printed[i]; known {
			ran = i
		}
		if block.Mark == "output" && ran >= 0 {
			if err := Match(block.Text, printed[ran]); err != nil {
				return fmt.Errorf("%s: %w\nof %s, which printed:\n%s", block, err, p.Blocks[ran], printed[ran])
			}
		}
	}
	return nil
}

// Match tells whether the lines that a page shows are among those that were printed, in their order. In a line, ... stands for
// anything; as a line of its own, for any number of lines, as it does between any two of them.
func Match(shown, printed string) error {
	lines := strings.Split(printed, "\n")
	for want := range strings.Lines(shown) {
		want = strings.TrimRight(want, " \n")
		if want == "" || want == "..." {
			continue
		}
		pattern := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(want), regexp.QuoteMeta("..."), ".*") + "$")
		at := slices.IndexFunc(lines, func(line string) bool { return pattern.MatchString(strings.TrimRight(line, " ")) })
		if at < 0 {
			return fmt.Errorf("%q was not printed, or not in this order", want)
		}
		lines = lines[at+1:]
	}
	return nil
}
