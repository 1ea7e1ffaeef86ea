package pack

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"

	"github.com/PlakarKorp/kpkg/internal/interruptible"
)

// exclusion says what is left out.
type exclusion struct{ matcher gitignore.Matcher }

func newExclusion(patterns []string) (*exclusion, error) {
	if len(patterns) > maxPatterns {
		return nil, fmt.Errorf("there are %d patterns, more than %d", len(patterns), maxPatterns)
	}
	var parsed []gitignore.Pattern
	for _, pattern := range patterns {
		if _, err := filepath.Match(strings.TrimPrefix(pattern, "!"), ""); err != nil {
			return nil, fmt.Errorf("the pattern %.200q has a [ without its ]", pattern)
		}
		parsed = append(parsed, gitignore.ParsePattern(pattern, nil))
	}
	return &exclusion{gitignore.NewMatcher(parsed)}, nil
}

func (e *exclusion) has(below string, isDir bool) bool {
	return e.matcher.Match(strings.Split(filepath.ToSlash(below), "/"), isDir)
}

const (
	// maxPatterns is how many patterns there may be: each entry of a source is held to each of them.
	maxPatterns = 5_000
	// maxPatternsLength is how many bytes a file of patterns has at most.
	maxPatternsLength = 1 << 20
)

// ReadPatterns reads the file of patterns that open opens as git does: one a line, without comments and empty lines. It may be a pipe
// that nobody writes to, which is waited for until ctx ends.
func ReadPatterns(ctx context.Context, open func() (io.ReadCloser, error)) ([]string, error) {
	data, err := interruptible.Read(ctx, open, maxPatternsLength+1)
	if err != nil {
		return nil, err
	}
	if len(data) > maxPatternsLength {
		return nil, fmt.Errorf("it is larger than %d bytes", maxPatternsLength)
	}
	var patterns []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !strings.HasSuffix(line, `\ `) {
			line = strings.TrimRight(line, " ")
		}
		if patterns = append(patterns, line); len(patterns) > maxPatterns {
			return nil, fmt.Errorf("it has more than %d patterns", maxPatterns)
		}
	}
	return patterns, nil
}
