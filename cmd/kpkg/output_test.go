package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullTemporary: TMPDIR is the remedy only for what kpkg itself has put there. What a user has there may be on another disk.
func TestFullTemporary(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("TMP", temporary) // for Windows
	for name, own := range map[string]bool{
		filepath.Join(temporary, "kpkg-verify-1", "part"):               true,
		filepath.Join(temporary, "kpkg-1.gitconfig"):                    true,
		filepath.Join(temporary, "dist", ".ftp_v1.0.0_linux_amd64-1"):   false,
		filepath.Join(filepath.Dir(temporary), "elsewhere", "kpkg-one"): false,
	} {
		err := fmt.Errorf("write it: %w", &fs.PathError{Op: "write", Path: name, Err: syscall.ENOSPC})
		text := errorText(err)
		if strings.Contains(text, "set TMPDIR") != own || !own && !strings.Contains(text, filepath.Base(name)) {
			t.Errorf("%s: %s", name, text)
		}
	}
}
