package rig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestServerThatEnds leaves nothing of a server that has ended by itself, and says what it has said.
func TestServerThatEnds(t *testing.T) {
	s := &Server{ended: make(chan struct{}), dir: filepath.Join(t.TempDir(), "server")}
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	err := s.start("sh", func(string, string) ([]string, error) { return []string{"-c", "echo no luck; exit 3"}, nil })
	if err == nil || !strings.Contains(err.Error(), "exit status 3\nno luck") {
		t.Errorf("starting it: %v", err)
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("closing it: %v", err)
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("its folder: %v", err)
	}
}
