package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Result is how a program ended.
type Result struct {
	Status int // the exit status; -1 if a signal or the context ended it
	Stdout string
	Stderr string
	Wall   time.Duration
	CPU    time.Duration // user and system time of the process and the children it waited for
	Peak   int64         // the largest resident set of one process, in bytes; 0 where the system does not tell
}

// String is what the program said, for messages.
func (r Result) String() string {
	return strings.TrimSpace(fmt.Sprintf("exit status %d\n%s%s", r.Status, r.Stdout, r.Stderr))
}

// run runs a command to its end. An error means that there is no result, not that the program failed.
// What the program's children took goes to children, unless that is nil.
func run(ctx context.Context, cmd *exec.Cmd, children *Usage) (Result, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// Plugins inherit standard error; one that outlives its client must not keep us waiting.
	cmd.WaitDelay = 5 * time.Second
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return Result{}, fmt.Errorf("run %s: %w", cmd.Path, err)
	}
	var watching sync.WaitGroup
	done := make(chan struct{})
	if children != nil {
		watching.Go(func() { *children = watchChildren(cmd.Process.Pid, done) })
	}
	err := cmd.Wait()
	wall := time.Since(start)
	close(done)
	watching.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return Result{}, fmt.Errorf("run %s: %w", cmd.Path, err)
	}
	return Result{
		Status: cmd.ProcessState.ExitCode(),
		Stdout: stdout.String(),
		Stderr: stderr.String(),
		Wall:   wall,
		CPU:    cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		Peak:   peak(cmd.ProcessState),
	}, ctx.Err()
}

// Run runs a program with the environment of this process.
func Run(ctx context.Context, program string, args ...string) (Result, error) {
	return run(ctx, exec.CommandContext(ctx, program, args...), nil)
}

// RunIn runs a program in dir, with the variables added to the environment of this process.
func RunIn(ctx context.Context, dir string, variables []string, program string, args ...string) (Result, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), variables...)
	return run(ctx, cmd, nil)
}
