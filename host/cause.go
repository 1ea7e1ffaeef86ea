package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
)

// shownForeign is how much an error shows of what a plugin wrote to its standard output, in bytes.
const shownForeign = 80

// cannotStart says why the system refused to start an executable.
func cannotStart(path string, err error) error {
	info, statErr := os.Stat(path)
	switch {
	case errors.Is(statErr, fs.ErrNotExist):
		return fmt.Errorf("%s is missing: %w", path, fs.ErrNotExist)
	case statErr != nil:
		return statErr
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not executable, its mode is %v: %w", path, info.Mode().Perm(), fs.ErrPermission)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s needs an interpreter or a dynamic loader that is missing: %w", path, err)
	}
	here := executable.Host()
	if its, err := executable.PlatformOf(path); err == nil && its != here {
		return fmt.Errorf("it is for %s, this machine is %s: %w", its, here, wrongPlatform)
	}
	if errors.Is(err, wrongPlatform) {
		return fmt.Errorf("%s is no program for %s: %w", path, here, err)
	}
	return err
}

// wrongPlatform is what Unix systems say of an executable that is not theirs. Windows has its own number for it.
var wrongPlatform = map[bool]error{false: syscall.ENOEXEC, true: syscall.Errno(193)}[runtime.GOOS == "windows"]

// Cause says why the plugin no longer answers, when it does not; nil if nothing is known to be wrong with it.
func (p *Plugin) Cause() error {
	if foreign := p.channel.foreign(); foreign != "" {
		shown := beginning(strings.TrimRight(p.Redact(foreign), "\r\n"), shownForeign)
		return fmt.Errorf("it wrote %q to its standard output, which is for the protocol alone; print to standard error",
			shown)
	}
	if p.channel.broken() {
		select {
		case <-p.exited:
		case <-time.After(reapTimeout):
			return nil
		}
	}
	select {
	case <-p.exited:
		return p.ended()
	default:
		return nil
	}
}

// ended says how the process ended, which it has.
func (p *Plugin) ended() error {
	how := "it exited with status 0"
	var exit *exec.ExitError
	if errors.As(p.exitErr, &exit) {
		how = "it ended with " + exit.String()
		// Of a program that a signal has ended crun tells it as shells do.
		if signal := exit.ExitCode() - 128; signal > 0 && p.options.Container != nil && p.options.Container.Crun != "" {
			how = "it ended with signal: " + syscall.Signal(signal).String()
		}
	} else if p.exitErr != nil {
		how = p.exitErr.Error()
	}
	if words := p.stderr.lastWords(); words != "" {
		return fmt.Errorf("%s; its last words: %s", how, words)
	}
	return errors.New(how)
}

// Words are a text without what gRPC puts before an error of the other side: the plugin's own words.
func Words(text string) string { return rpcPrefix.ReplaceAllString(text, "") }

var rpcPrefix = regexp.MustCompile(`rpc error: code = [A-Za-z0-9()]+ desc = `)

// pluginError is an error of a plugin in its own words.
type pluginError struct {
	text string
	error
}

func (e *pluginError) Error() string { return e.text }
func (e *pluginError) Unwrap() error { return e.error }

// explain is err without the secrets of the configuration: what the plugin said, or what was being done when it failed to
// answer and why, if that is known.
func (p *Plugin) explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if cause := p.Cause(); cause != nil {
		return fmt.Errorf("plugin %s: %s: %w", p.name, what, cause)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		hint := ""
		if what == "Init" {
			hint = ": is the location reachable?"
		}
		return fmt.Errorf("plugin %s: no answer to %s within %s%s", p.name, what, p.options.Timeout, hint)
	}
	text := p.name + ": " + Words(err.Error())
	if redacted := p.Redact(text); redacted != text {
		return errors.New(redacted)
	}
	return &pluginError{text, err}
}
