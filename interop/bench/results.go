package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// results are all outcomes of one machine and one state of the source, kept in a file after each contest, so that a run that
// was ended goes on where it was.
type results struct {
	Machine  machine   `json:"machine"`
	Versions versions  `json:"versions"`
	Outcomes []outcome `json:"outcomes"`
}

type machine struct {
	System     string `json:"system"`
	Processor  string `json:"processor"`
	Processors int    `json:"processors"`
	Memory     int64  `json:"memory"` // bytes
}

type versions struct {
	Kpkg   string `json:"kpkg"` // the last commit that changed the programs, with "-dirty" for what is not committed
	Go     string `json:"go"`
	Plakar string `json:"plakar"`
}

// openResults reads what is known of this machine and this source. Of others, of a source that is not committed, and with
// again, nothing is.
func openResults(ctx context.Context, path string, again bool) (results, error) {
	now := results{Machine: thisMachine()}
	var err error
	if now.Versions, err = theseVersions(ctx); err != nil {
		return now, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return now, nil
	}
	if err != nil {
		return now, err
	}
	var before results
	if err := json.Unmarshal(data, &before); err != nil {
		return now, fmt.Errorf("%s: %w", path, err)
	}
	if !again && before.Machine == now.Machine && before.Versions == now.Versions && !strings.HasSuffix(now.Versions.Kpkg, "-dirty") {
		now.Outcomes = before.Outcomes
	}
	return now, nil
}

func (r *results) find(group, name string) (outcome, bool) {
	for _, o := range r.Outcomes {
		if o.Group == group && o.Name == name {
			return o, true
		}
	}
	return outcome{}, false
}

// keep adds an outcome and writes the file anew.
func (r *results) keep(path string, o outcome) error {
	r.Outcomes = append(r.Outcomes, o)
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path+".tmp", append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func thisMachine() machine {
	return machine{
		System: runtime.GOOS + "/" + runtime.GOARCH, Processors: runtime.NumCPU(),
		Processor: fieldOf("/proc/cpuinfo", "model name"), Memory: kilobytes(fieldOf("/proc/meminfo", "MemTotal")),
	}
}

// fieldOf is what Linux says of itself in a file of lines such as "name : value"; "" elsewhere.
func fieldOf(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, found := strings.Cut(lines.Text(), ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func kilobytes(text string) (n int64) {
	fmt.Sscanf(text, "%d kB", &n)
	return n << 10
}

func theseVersions(ctx context.Context) (versions, error) {
	// Neither pages nor tests are in what is measured: they may change between two runs that are one.
	measured := []string{"--", ".", ":!docs", ":!*.md", ":!*_test.go", ":!.ci"}
	commit, err := git(ctx, append([]string{"log", "-1", "--format=%h", "--abbrev=12"}, measured...))
	if err != nil {
		return versions{}, err
	}
	changes, err := git(ctx, append([]string{"status", "--porcelain"}, measured...))
	if err != nil {
		return versions{}, err
	}
	if changes != "" {
		commit += "-dirty"
	}
	client := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", "github.com/PlakarKorp/plakar")
	client.Dir = filepath.Join(rig.Root(), "interop")
	plakar, err := client.Output()
	if err != nil {
		return versions{}, fmt.Errorf("ask go for the version of the client: %w", err)
	}
	return versions{commit, runtime.Version(), strings.TrimSpace(string(plakar))}, nil
}

func git(ctx context.Context, args []string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = rig.Root()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ask git for the commit: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
