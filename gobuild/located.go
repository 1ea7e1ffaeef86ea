package gobuild

import (
	"path/filepath"
	"regexp"
	"strings"
)

// position is a Go file and line that the go tool begins a line with.
var position = regexp.MustCompile(`^([^\s:]+\.go):[0-9]+`)

// located is what the go tool printed in dir for those who are not there: files have their paths from here, lines that only
// name a package are left out, and what a missing "go mod tidy" makes go say ends with that.
func located(output, dir string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(output, "\n"), "\n") {
		if strings.HasPrefix(line, "# ") {
			continue
		}
		if at := position.FindStringSubmatch(line); at != nil && !filepath.IsAbs(at[1]) {
			line = filepath.Join(dir, at[1]) + line[len(at[1]):]
		}
		lines = append(lines, line)
	}
	for _, sign := range []string{"missing go.sum entry", "updates to go.mod needed", "no required module provides package"} {
		if strings.Contains(output, sign) {
			lines = append(lines, "go.mod and go.sum are not up to date: run go mod tidy in "+dir)
			break
		}
	}
	return strings.Join(lines, "\n")
}
