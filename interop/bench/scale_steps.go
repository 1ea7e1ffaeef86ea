package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// steps are those of a package, on a machine that has compiled what integrations have in common.
func (s *scale) steps(ctx context.Context) error {
	more, packed := filepath.Join(s.dir, "more"), filepath.Join(s.dir, "packed")
	out := filepath.Join(s.dir, "out", fmt.Sprintf("more_v1.0.0_%s_%s.ptar", runtime.GOOS, runtime.GOARCH))
	create := func(dir string, args ...string) func(context.Context) (sample, error) {
		return s.kpkg(append([]string{"create", dir, "v1.0.0", "--quiet", "--no-cache", "-o", out}, args...)...)
	}
	// Each time with a module that nobody has compiled.
	fresh := func(context.Context) error {
		s.made++
		return errors.Join(os.RemoveAll(more), copyExample(more, fmt.Sprintf("more%d-%d", s.made, time.Now().UnixNano())), os.RemoveAll(out))
	}
	named := func(dir string) error { return rename(filepath.Join(dir, "manifest.yaml"), "more") }
	compiled := once(func(ctx context.Context) error {
		if err := errors.Join(fresh(ctx), named(more)); err != nil {
			return err
		}
		_, err := create(more)(ctx)
		return err
	})
	built := once(func(ctx context.Context) error {
		if err := errors.Join(copyExample(packed, "packed"), named(packed)); err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", "ftpImporter", "./plugin/importer")
		cmd.Dir, cmd.Env = packed, append(os.Environ(), "CGO_ENABLED=0")
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", packed, err, said)
		}
		return nil
	})
	for _, c := range []contest{
		{name: oneMore, setUp: compiled, contenders: []contender{{
			name: "kpkg create", output: out, run: create(more),
			before: func(ctx context.Context) error { return errors.Join(fresh(ctx), named(more)) },
		}}},
		{name: linkedAgain, setUp: compiled, contenders: []contender{{name: "kpkg create", output: out, run: create(more)}}},
		{name: packedOnly, setUp: built, contenders: []contender{{
			name: "kpkg create --no-build", output: out, run: create(packed, "--no-build"),
		}}},
		{
			name: verifiedOnly,
			setUp: func(ctx context.Context) error {
				if err := built(ctx); err != nil {
					return err
				}
				_, err := contender{output: out, run: create(packed, "--no-build")}.take(ctx)
				return err
			},
			contenders: []contender{{name: "kpkg verify", run: s.kpkg("verify", out)}},
		},
	} {
		if err := s.hold(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// rename gives the manifest in a file another name, whatever it had.
func rename(file, name string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	_, rest, _ := bytes.Cut(data, []byte("\n"))
	return os.WriteFile(file, append([]byte("name: "+name+"\n"), rest...), 0o644)
}

// publishing puts signed packages into an OCI registry on this machine, each time into repositories that hold nothing.
func (s *scale) publishing(ctx context.Context) (err error) {
	const count = 8
	dir := filepath.Join(s.dir, "publish")
	var registry *rig.OCIRegistry
	runs := 0
	return s.hold(ctx, contest{
		name: publishing,
		setUp: func(ctx context.Context) error {
			var packages []string
			args := []string{"create"}
			for n := range count {
				source := filepath.Join(dir, "source", copyName(n))
				if err := copyExample(source, copyName(n)); err != nil {
					return err
				}
				args = append(args, source)
				packages = append(packages, filepath.Join(dir, "made", fmt.Sprintf("%s_v1.0.0_%s_%s.ptar", copyName(n), runtime.GOOS, runtime.GOARCH)))
			}
			if _, err := s.kpkg(append(args, "v1.0.0", "--quiet", "--out-dir", filepath.Join(dir, "made"))...)(ctx); err != nil {
				return err
			}
			if err := s.distribute(ctx, dir, packages); err != nil {
				return err
			}
			registry, err = rig.StartOCIRegistry()
			return err
		},
		tearDown: func() error {
			if registry == nil {
				return nil
			}
			return registry.Close()
		},
		contenders: []contender{{name: "kpkg publish", run: func(ctx context.Context) (sample, error) {
			runs++
			to := fmt.Sprintf("oci://%s/acme%d", registry.Address, runs)
			return program(func(ctx context.Context) (rig.Result, error) {
				return rig.RunIn(ctx, s.dir, []string{"DOCKER_CONFIG=" + registry.DockerConfig, "XDG_STATE_HOME=" + filepath.Join(s.dir, "state")},
					s.tools.Kpkg, "publish", filepath.Join(dir, "dists"), to, "--ca-file", registry.CAFile, "--quiet")
			})(ctx)
		}}},
	})
}

// planning is what each of the jobs does before its part: the plan of all integrations. The part is one with nothing in it.
func (s *scale) planning(ctx context.Context) error {
	const count = 200
	dir := filepath.Join(s.dir, "plan")
	args := []string{"create"}
	for n := range count {
		args = append(args, filepath.Join(dir, fmt.Sprintf("i%03d", n)))
	}
	args = append(args, "v1.0.0", "--quiet", "--platform", "all", "--shard", fmt.Sprintf("%d/%d", count+1, count+1),
		"--out-dir", filepath.Join(dir, "out"))
	return s.hold(ctx, contest{
		name: planning,
		setUp: func(context.Context) error {
			for n := range count {
				name := fmt.Sprintf("i%03d", n)
				if err := copyExample(filepath.Join(dir, name), name); err != nil {
					return err
				}
			}
			return nil
		},
		contenders: []contender{{name: "kpkg create --shard", run: s.kpkg(args...)}},
	})
}
