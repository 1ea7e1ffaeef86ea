package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
)

// secret is what the handle "db" stands for.
const secret = "s3same-open-it"

func brokenSecretProvider(fault string) func(context.Context, map[string]string) (*faultySecretProvider, error) {
	return func(_ context.Context, config map[string]string) (*faultySecretProvider, error) {
		return &faultySecretProvider{fault: fault}, initFault(fault, &connectors.Options{}, config)
	}
}

// faultySecretProvider has one secret.
type faultySecretProvider struct {
	fault  string
	leak   leak
	busy   atomic.Int32
	calls  atomic.Int32
	usedUp atomic.Bool
}

func (f *faultySecretProvider) Close(context.Context) error { return nil }

func (f *faultySecretProvider) Resolve(ctx context.Context, handle string) (string, error) {
	markWork(f.fault)
	if handle != "db" {
		return f.unknown(handle)
	}
	switch f.fault {
	case "knows nothing":
		return f.unknown(handle)
	case "adds a line break":
		return secret + "\n", nil
	case "differs each time":
		return fmt.Sprintf("%s%d", secret[:len(secret)-1], f.calls.Add(1)), nil
	case "resolves one at a time":
		defer f.busy.Add(-1)
		if f.busy.Add(1) > 1 {
			return "", errors.New("busy")
		}
		time.Sleep(20 * time.Millisecond)
	case "mixes up answers":
		defer f.busy.Add(-1)
		if f.busy.Add(1) > 1 {
			return "another's", nil
		}
		time.Sleep(20 * time.Millisecond)
	case "marks an unfinished Resolve":
		if f.calls.Add(1) > 1 { // the first one ends
			markWork("marks its work")
		}
	case "prints the secret":
		fmt.Fprintln(os.Stderr, "the secret is", secret)
	case "keeps the secret in a file":
		return secret, os.WriteFile(filepath.Join(os.TempDir(), "cache"), []byte(secret), 0o600)
	case "passes the secret on":
		child := exec.Command("sh", "-c", "cat; exit", secret)
		if _, err := child.StdinPipe(); err != nil { // it ends with the plugin
			return "", err
		}
		return secret, child.Start()
	case "is used up when cancelled":
		if !f.usedUp.Load() {
			select {
			case <-ctx.Done():
				f.usedUp.Store(true)
			case <-time.After(time.Second): // the cancellation may be on its way
			}
		}
		if f.usedUp.Load() {
			return "", errors.New("used up")
		}
	}
	f.leak.grow(f.fault)
	return secret, nil
}

// unknown is what becomes of handles that are none.
func (f *faultySecretProvider) unknown(handle string) (string, error) {
	switch {
	case f.fault == "has nothing for unknown handles":
		return "", nil
	case f.fault == "guesses" && strings.HasPrefix(handle, "db"), f.fault == "takes no handle for any" && handle == "":
		return secret, nil
	case f.fault == "dies of odd handles" && strings.Contains(handle, "\x00"):
		os.Exit(1)
	case f.fault == "reads any file":
		content, err := os.ReadFile(handle)
		return string(content), err
	case f.fault == "runs commands":
		output, err := exec.Command("sh", "-c", "test -d "+handle).CombinedOutput()
		return string(output), err
	case f.fault == "tells the secret in errors":
		return "", fmt.Errorf("no secret %s, only %s", handle, secret)
	}
	return "", fmt.Errorf("no secret %s", handle)
}
