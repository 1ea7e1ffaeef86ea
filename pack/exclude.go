package pack

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// exclusion says what is left out.
type exclusion struct{ matcher gitignore.Matcher }

func newExclusion(patterns []string) (*exclusion, error) {
	var parsed []gitignore.Pattern
	for _, pattern := range patterns {
		if _, err := filepath.Match(strings.TrimPrefix(pattern, "!"), ""); err != nil {
			return nil, fmt.Errorf("the pattern %q has a [ without its ]", pattern)
		}
		parsed = append(parsed, gitignore.ParsePattern(pattern, nil))
	}
	return &exclusion{gitignore.NewMatcher(parsed)}, nil
}

func (e *exclusion) has(below string, isDir bool) bool {
	return e.matcher.Match(strings.Split(filepath.ToSlash(below), "/"), isDir)
}

// maxPatterns is how many bytes a file of patterns has at most.
const maxPatterns = 1 << 20

// ReadPatterns reads a file of patterns as git does: one a line, without comments and empty lines.
func ReadPatterns(r io.Reader) ([]string, error) {
	var patterns []string
	lines := bufio.NewScanner(io.LimitReader(r, maxPatterns))
	lines.Buffer(nil, maxPatterns)
	for lines.Scan() {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !strings.HasSuffix(line, `\ `) {
			line = strings.TrimRight(line, " ")
		}
		patterns = append(patterns, line)
	}
	return patterns, lines.Err()
}
