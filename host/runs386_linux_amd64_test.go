package host

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestSmallest386 gives the kernel the smallest program as any other, and finds that runs386 says of it what came of that.
func TestSmallest386(t *testing.T) {
	path := filepath.Join(t.TempDir(), "smallest")
	if err := os.WriteFile(path, smallest386(), 0o755); err != nil {
		t.Fatal(err)
	}
	err := exec.Command(path).Run()
	if err != nil && !errors.Is(err, syscall.ENOEXEC) {
		t.Fatal(err) // as with a header or code that is wrong
	}
	if runs386() != (err == nil) {
		t.Errorf("runs386 is %v, and running it gave: %v", runs386(), err)
	}
}
