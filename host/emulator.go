package host

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
)

// Emulator says what runs Linux executables of other architectures: AutoEmulator, NoEmulator, or the name or path of a program
// that takes an executable and its arguments, as qemu-user does. The zero value is NoEmulator.
type Emulator string

const (
	// AutoEmulator is qemu-user, where it is in PATH.
	AutoEmulator Emulator = "auto"
	NoEmulator   Emulator = "none"
)

// qemuNames are what qemu-user calls the architectures that Go has other names for.
var qemuNames = map[string]string{
	"386": "i386", "amd64": "x86_64", "arm64": "aarch64", "loong64": "loongarch64", "mips64le": "mips64el", "mipsle": "mipsel",
}

// ElsewhereError is why an executable or a package does not run on this machine.
type ElsewhereError struct {
	// Platform is what it is for.
	Platform executable.Platform
	// Reason is what keeps it from running here.
	Reason string
}

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("it is for %s, this machine is %s: %s", e.Platform, executable.Host(), e.Reason)
}

// program is what runs executables of a platform here, "" if they run without. The error is an *ElsewhereError.
func (e Emulator) program(its executable.Platform) (string, error) {
	here := executable.Host()
	elsewhere := func(format string, args ...any) error {
		return &ElsewhereError{its, fmt.Sprintf(format, args...)}
	}
	switch {
	case its == here:
		return "", nil
	case here.String() == "linux/amd64" && its.String() == "linux/386" && (e == AutoEmulator || e == NoEmulator || e == ""):
		if !runs386() { // qemu-i386 is no way out: 7.2 ends Go's programs
			return "", elsewhere("its kernel runs no 32-bit programs (ia32_emulation=on makes Linux run them)")
		}
		return "", nil
	case its.OS != here.OS || here.OS != "linux":
		return "", elsewhere("only Linux runs executables of another architecture, and Linux's alone")
	case e == "" || e == NoEmulator:
		return "", elsewhere("no emulator is to be used")
	case e != AutoEmulator:
		path, err := exec.LookPath(string(e))
		if err != nil {
			return "", elsewhere("there is no emulator %s", string(e))
		}
		return filepath.Abs(path)
	}
	name := qemuNames[its.Arch]
	if name == "" {
		name = its.Arch
	}
	for _, program := range []string{"qemu-" + name, "qemu-" + name + "-static"} {
		if path, err := exec.LookPath(program); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", elsewhere("qemu-%s is not in PATH (Debian: apt-get install qemu-user)", name)
}

// emulatorVersion is the first line of what an emulator says of itself, or else its name.
func emulatorVersion(ctx context.Context, program string) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--version")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	line, _, _ := strings.Cut(string(out), "\n")
	if err != nil || line == "" || len(line) > 200 {
		return filepath.Base(program)
	}
	return strings.TrimSpace(line)
}

// under are the words that name the emulator of a plugin, if it has one.
func (p *Plugin) under(ctx context.Context) string {
	if p.options.Emulator == "" {
		return ""
	}
	return " under " + emulatorVersion(ctx, p.options.Emulator)
}
