package ptarbuild_test

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/internal/raced"
)

// TestGoldenBytesIn32Bits has a 32-bit program write the golden bytes: under qemu-arm, which runs on any machine, or without it as a
// program for 386, which not all kernels for amd64 run.
func TestGoldenBytesIn32Bits(t *testing.T) {
	raced.Skip(t, "another program does it")
	args, arch := []string{"test", "-count=1", "-v", "-run", "^TestGoldenBytes$", "."}, "386"
	if emulator, err := exec.LookPath("qemu-arm"); err == nil {
		args, arch = append(args, "-exec", emulator), "arm"
	} else if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("neither qemu-arm nor a machine that runs programs for 386")
	}
	test := exec.Command("go", args...)
	test.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
	out, err := test.CombinedOutput()
	switch {
	case arch == "386" && strings.Contains(string(out), "exec format error"):
		t.Skip("no qemu-arm, and a kernel that runs no programs for 386")
	case err != nil || !strings.Contains(string(out), "--- PASS: TestGoldenBytes "):
		t.Errorf("%v\n%s", err, out)
	}
}
