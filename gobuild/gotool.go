package gobuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// ErrNoGo is why nothing can be built on a machine without Go.
var ErrNoGo = errors.New("the go command is not in PATH: install Go (https://go.dev/dl); " +
	"kpkg create --no-build packs executables that are there")

// FindGo returns ErrNoGo if there is no go command.
func FindGo() error {
	if _, err := exec.LookPath("go"); err != nil {
		return ErrNoGo
	}
	return nil
}

// outputLimit bounds what is kept of the go tool's output, in bytes. go prints ten errors for each package.
const outputLimit = 256 << 10

// runner runs the go tool with args in dir. results, unless nil, takes what it prints on the standard output; what it prints
// otherwise is returned. Tests put their own in.
type runner func(ctx context.Context, dir string, env, args []string, results io.Writer) (output []byte, err error)

// runGo runs the go tool of PATH in a process group of its own, so that cancelling ctx ends it and the compilers it
// started.
func runGo(ctx context.Context, dir string, env, args []string, results io.Writer) ([]byte, error) {
	var output limitedBuffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, env
	cmd.Stdout, cmd.Stderr = &output, &output
	if results != nil {
		cmd.Stdout = results
	}
	cmd.WaitDelay = 5 * time.Second // for a compiler that still holds the pipe
	ownGroup(cmd)
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.Is(err, exec.ErrNotFound):
		err = ErrNoGo
	case bytes.Contains(output.kept, []byte("signal: killed")) || killed(err):
		err = fmt.Errorf("%w: killed from outside, most often because memory ran out; fewer jobs need less", err)
	}
	return output.kept, err
}

// limitedBuffer keeps the first outputLimit bytes and drops the rest.
type limitedBuffer struct{ kept []byte }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(outputLimit-len(b.kept), len(p))]...)
	return len(p), nil
}
