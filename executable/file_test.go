package executable

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPlatformOf(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	here := Host()
	for name, test := range map[string]struct {
		path, content string
		want          Platform
		err           string
	}{
		"this program":     {path: self, want: here},
		"another platform": {content: string(tinyProgram(t, Platform{"windows", "arm64"})), want: Platform{"windows", "arm64"}},
		"script":           {content: "#!/bin/sh\n", want: here},
		"no program":       {content: "words", err: "executable"},
		"missing":          {path: filepath.Join(t.TempDir(), "none"), err: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			path := test.path
			if path == "" {
				path = filepath.Join(t.TempDir(), "executable")
				if err := os.WriteFile(path, []byte(test.content), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			got, err := PlatformOf(path)
			if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %v and error %v, want %v and %q", got, err, test.want, test.err)
			}
		})
	}
}
