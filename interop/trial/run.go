package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// trial is what has come of the plugins tried.
type trial struct {
	dir, root, kpkg, upstream string

	unexplained int
	failures    []string // those that faults do not explain
	missing     []string // what could not be tried
	lines       map[string]int
	explained   map[int][]string // by index in faults: where it was seen
	took        time.Duration
}

// check is one of a report of kpkg test.
type check struct{ ID, Connector, Status, Detail, SDK string }

// try builds a plugin on one of the SDKs and tests its connectors, each in a run of its own.
func (t *trial) try(ctx context.Context, p plugin, kpkgSDK bool) (err error) {
	pkg, err := t.build(ctx, p, kpkgSDK)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(t.dir, "served-")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(t.dir, 0o755); err != nil {
		return err
	}
	s := &servers{ctx: ctx, dir: dir, trial: t}
	defer func() { err = errors.Join(err, s.stop()) }()
	connectors, err := p.serve(s)
	if err != nil {
		return err
	}
	for _, c := range connectors {
		if err := t.test(ctx, p, c, kpkgSDK, pkg); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// test tests one connector and prints its line.
func (t *trial) test(ctx context.Context, p plugin, c connector, kpkgSDK bool, pkg string) error {
	args := []string{"test", pkg, "--format", "json", "--connector", c.name}
	for _, setting := range c.settings {
		args = append(args, "--config", setting)
	}
	if c.sample != "" {
		args = append(args, "--sample", c.sample)
	}
	begin := time.Now()
	out, err := exec.CommandContext(ctx, t.kpkg, args...).Output()
	took := time.Since(begin)
	var report struct {
		Checks   []check
		Findings []struct{ Severity, Message string }
	}
	if parseErr := json.Unmarshal(out, &report); parseErr != nil {
		return fmt.Errorf("%w: %w", err, parseErr)
	}
	if len(report.Checks) == 0 {
		for _, f := range report.Findings {
			if f.Severity == "error" {
				return errors.New(f.Message)
			}
		}
	}
	counts, known, sdk, unknown := map[string]int{}, 0, 0, 0
	seen := map[string]int{} // lines in this report, by fault
	for _, k := range report.Checks {
		counts[k.Status]++
		if k.Status != "fail" {
			continue
		}
		if k.SDK != "" {
			sdk++
			seen[k.SDK] = 1 // one line, however many checks
			continue
		}
		i := slices.IndexFunc(faults, func(f fault) bool { return f.explains(p.name, c.name, kpkgSDK, k.ID) })
		if i < 0 {
			unknown++
			failure := fmt.Sprintf("%s %s on %s: %s: %s", p.name, c.name, sdkName(kpkgSDK), k.ID, k.Detail)
			t.failures = append(t.failures, failure)
			fmt.Fprintln(os.Stderr, failure)
			continue
		}
		known++
		seen[faults[i].what]++
		if t.explained == nil {
			t.explained = map[int][]string{}
		}
		t.explained[i] = append(t.explained[i], fmt.Sprintf("%s on %s: %s: %s", c.name, sdkName(kpkgSDK), k.ID, k.Detail))
	}
	if t.lines == nil {
		t.lines = map[string]int{}
	}
	for what, n := range seen {
		t.lines[what] = max(t.lines[what], n)
	}
	t.unexplained += unknown
	t.took += took
	fmt.Printf("| %s | %s | %s | %d | %d | %d | %d | %d | %d | %.1f |\n", p.name, c.name, sdkName(kpkgSDK),
		counts["pass"], counts["fail"], counts["skip"], known, sdk, unknown, took.Seconds())
	return nil
}

// summarize prints what is left, each with its proof.
func (t *trial) summarize() {
	hide := strings.NewReplacer(t.dir, "DIR", filepath.Dir(t.upstream), "DIR")
	fmt.Printf("\nFailures that nothing explains, the suite's own until they are proven: %d\n", t.unexplained)
	for _, f := range t.failures {
		fmt.Println("-", hide.Replace(f))
	}
	most, which := 0, "none"
	for what, n := range t.lines {
		if n > most {
			most, which = n, what
		}
	}
	fmt.Printf("\nLines for one fault, in one report: at most %d (%s)\n\nFailures left, each a fault of a plugin:\n", most, which)
	for i, f := range faults {
		if len(t.explained[i]) == 0 {
			continue
		}
		fmt.Printf("- %s: %s\n  proof: %s\n", f.plugin, f.what, f.proof)
		for _, seen := range t.explained[i] {
			fmt.Println("  -", hide.Replace(seen))
		}
	}
	fmt.Printf("\nNot tried:\n")
	for _, m := range t.missing {
		fmt.Println("-", hide.Replace(m))
	}
	fmt.Printf("\nTests together: %.0f s\n", t.took.Seconds())
}
