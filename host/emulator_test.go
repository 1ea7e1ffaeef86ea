package host

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/executable"
)

// TestEmulator finds qemu-user by the names it has in distributions, and says why an executable does not run here.
func TestEmulator(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("Linux alone runs executables of other architectures")
	}
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	for _, name := range []string{"qemu-s390x", "qemu-aarch64-static", "own"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	here, arch := executable.Host(), "arm64"
	if here.Arch == arch {
		arch = "s390x"
	}
	on386 := "" // where kernels of this architecture run it
	if here.Arch != "amd64" {
		on386 = "qemu-i386 is not in PATH"
	} else if !runs386() {
		on386 = "its kernel runs no 32-bit programs"
	}
	found := map[string]string{"arm64": "qemu-aarch64-static", "s390x": "qemu-s390x"}
	for name, test := range map[string]struct {
		emulator Emulator
		its      executable.Platform
		want     string // the program's name
		refused  string
	}{
		"this machine":           {AutoEmulator, here, "", ""},
		"this machine and none":  {NoEmulator, here, "", ""},
		"386 on amd64":           {AutoEmulator, executable.Platform{OS: "linux", Arch: "386"}, "", on386},
		"in PATH":                {AutoEmulator, executable.Platform{OS: "linux", Arch: arch}, found[arch], ""},
		"not in PATH":            {AutoEmulator, executable.Platform{OS: "linux", Arch: "loong64"}, "", "qemu-loongarch64 is not in PATH"},
		"another system":         {AutoEmulator, executable.Platform{OS: "darwin", Arch: arch}, "", "Linux's alone"},
		"another system, by own": {"own", executable.Platform{OS: "windows", Arch: here.Arch}, "", "Linux's alone"},
		"none":                   {NoEmulator, executable.Platform{OS: "linux", Arch: arch}, "", "no emulator is to be used"},
		"unset":                  {"", executable.Platform{OS: "linux", Arch: arch}, "", "no emulator is to be used"},
		"own":                    {"own", executable.Platform{OS: "linux", Arch: "ppc64"}, "own", ""},
		"own, missing":           {"missing", executable.Platform{OS: "linux", Arch: "ppc64"}, "", "no emulator missing"},
	} {
		got, err := test.emulator.program(test.its)
		if test.want == "" && got != "" || test.want != "" && got != filepath.Join(dir, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
		var elsewhere *ElsewhereError
		if errors.As(err, &elsewhere) != (test.refused != "") || err != nil && !strings.Contains(err.Error(), test.refused) {
			t.Errorf("%s: error %v, want %q", name, err, test.refused)
		}
	}
}
