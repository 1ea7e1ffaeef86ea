// Command trial runs kpkg test on the connectors of upstream's own integrations, each built on upstream's SDK and on kpkg's,
// with real servers on the loopback interface. It prints a line for each connector, what fails and why that is right, and
// what no entry of faults explains: that is the suite's own fault until somebody proves the plugin's.
//
// The integrations come from a clone of their repository, which -integrations names. It is no test: it takes many minutes, and
// needs openssh-server, mariadb-server and postgresql of Debian.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	from := flag.String("integrations", "https://github.com/PlakarKorp/integrations", "the repository, as git clone takes it")
	root := flag.String("kpkg", "../..", "kpkg's source")
	only := flag.String("only", "", "names of plugins, with commas")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *from, *root, *only); err != nil {
		fmt.Fprintln(os.Stderr, "trial:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, from, root, only string) (err error) {
	dir, err := os.MkdirTemp("", "kpkg-trial-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if root, err = filepath.Abs(root); err != nil {
		return err
	}
	t := trial{dir: dir, root: root, kpkg: filepath.Join(dir, "kpkg"), upstream: filepath.Join(dir, "integrations")}
	if err := command(ctx, root, "go", "build", "-o", t.kpkg, "./cmd/kpkg"); err != nil {
		return err
	}
	if err := command(ctx, dir, "git", "clone", "-q", "--depth", "1", from, t.upstream); err != nil {
		return err
	}
	fmt.Println("| plugin | connector | SDK | passed | failed | notes and skips | explained | the SDK's | unexplained | s |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for _, p := range plugins {
		if only != "" && !slices.Contains(strings.Split(only, ","), p.name) {
			continue
		}
		for _, kpkgSDK := range []bool{false, true} {
			if err := t.try(ctx, p, kpkgSDK); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				t.missing = append(t.missing, fmt.Sprintf("%s on %s: %v", p.name, sdkName(kpkgSDK), err))
			}
		}
	}
	t.summarize()
	if t.unexplained > 0 {
		return fmt.Errorf("%d failures have no proof", t.unexplained)
	}
	return nil
}

func sdkName(kpkgSDK bool) string {
	if kpkgSDK {
		return "kpkg"
	}
	return "upstream"
}

// command runs a program in a folder. The error has the end of what it said.
func command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	said := strings.TrimSpace(string(out))
	return fmt.Errorf("%s %s: %w: %s", name, args[0], err, said[max(0, len(said)-300):])
}
