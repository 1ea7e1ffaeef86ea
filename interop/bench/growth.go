package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// growthOfPackages measures how cost grows with the number of packages. The suite goes over those of the quickest of the examples, and
// over one with an importer, an exporter and a storage.
func (b *bencher) growthOfPackages(ctx context.Context) error {
	for _, count := range []int{10, 100, 1000} {
		if err := b.manyPackages(ctx, count); err != nil {
			return err
		}
	}
	if err := b.manyTests(ctx, "fs-one", "examples/fs/one", 1); err != nil {
		return err
	}
	for _, count := range []int{1, 10, 100, 1000} {
		if err := b.manyTests(ctx, "disks", "examples/disks", count); err != nil {
			return err
		}
	}
	return nil
}

// growthOfFiles measures how cost grows with the files and the bytes of an archive: in memory, so that the disk's part is not taken
// for the program's, and 10 GiB on a disk, once.
func (b *bencher) growthOfFiles(ctx context.Context) error {
	small := func(b *bencher, ctx context.Context, p place) error {
		for _, load := range []tree{
			equal("1,000 files of 4 KB", 1000, 4<<10), equal("10,000 files of 4 KB", 10_000, 4<<10), equal("100,000 files of 4 KB", 100_000, 4<<10),
		} {
			if err := b.archivesOf(ctx, p, load, 0); err != nil {
				return err
			}
		}
		return nil
	}
	large := func(b *bencher, ctx context.Context, p place) error {
		return b.archivesOf(ctx, p, equal("10 GiB", 10, 1<<30), 1)
	}
	if err := placed(small, inMemoryPlace)(b, ctx); err != nil {
		return err
	}
	return placed(large, onDiskPlace)(b, ctx)
}

// manyPackages makes, verifies and indexes so many packages, each of an executable that is a script.
func (b *bencher) manyPackages(ctx context.Context, count int) error {
	dir := filepath.Join(b.dir, fmt.Sprint("packages-", count))
	at := func(name string) string { return filepath.Join(dir, name) }
	defer os.RemoveAll(dir)
	var sources, made []string
	for i := range count {
		name := fmt.Sprintf("i%04d", i)
		sources = append(sources, at("sources/"+name))
		made = append(made, at("packages/"+name+"_v1.0.0_linux_amd64.ptar"))
	}
	written := once(func(context.Context) (err error) {
		for _, source := range sources {
			err = errors.Join(err, scriptSource(source, filepath.Base(source)))
		}
		return err
	})
	create := func(ctx context.Context) (sample, error) {
		args := append([]string{"create", "--no-build", "--quiet", "--platform", "linux/amd64", "--out-dir", at("packages")}, sources...)
		return b.kpkg(append(args, "v1.0.0")...)(ctx)
	}
	created := once(func(ctx context.Context) error {
		if err := errors.Join(written(ctx), os.RemoveAll(at("packages"))); err != nil {
			return err
		}
		_, err := create(ctx)
		return err
	})
	signed := once(func(ctx context.Context) error {
		if err := created(ctx); err != nil {
			return err
		}
		return b.distribute(ctx, dir, made)
	})
	for _, step := range []struct {
		name, gone string
		setUp      func(context.Context) error
		run        func(context.Context) (sample, error)
	}{
		{"create", "packages", written, create},
		{"verify", "", created, b.kpkg(append([]string{"verify"}, made...)...)},
		{"index", "tree", signed, b.kpkg("index", at("dists"), "--out-dir", at("tree"), "--key", at("key.sec"), "--quiet")},
	} {
		err := b.hold(ctx, contest{name: fmt.Sprintf("%s, %d packages", step.name, count), setUp: step.setUp, contenders: []contender{{
			name: "kpkg " + step.name, run: step.run,
			before: func(context.Context) error {
				if step.gone == "" {
					return nil
				}
				return os.RemoveAll(at(step.gone))
			},
		}}})
		if err != nil {
			return err
		}
	}
	return nil
}

// distribute makes of each package a signed folder that kpkg index takes, below dists, with a key in key.sec.
func (b *bencher) distribute(ctx context.Context, dir string, packages []string) error {
	if _, err := b.kpkg("keygen", filepath.Join(dir, "key"), "--no-passphrase")(ctx); err != nil {
		return err
	}
	args := []string{"sign", "--quiet", "--key", filepath.Join(dir, "key.sec")}
	for _, file := range packages {
		name, _, _ := strings.Cut(filepath.Base(file), "_")
		folder := filepath.Join(dir, "dists", name)
		recipe := "name: " + name + "\nversion: v1.0.0\nrepository: https://example.org/" + name + "\n"
		err := errors.Join(
			os.MkdirAll(folder, 0o755),
			os.Link(file, filepath.Join(folder, filepath.Base(file))),
			os.WriteFile(filepath.Join(folder, "recipe.yaml"), []byte(recipe), 0o644),
		)
		if err != nil {
			return err
		}
		args = append(args, filepath.Join(folder, filepath.Base(file)), filepath.Join(folder, "recipe.yaml"))
	}
	_, err := b.kpkg(args...)(ctx)
	return err
}

// manyTests runs the suite on so many packages of the integration name, whose source is there in the project.
func (b *bencher) manyTests(ctx context.Context, name, source string, count int) error {
	dir := filepath.Join(b.dir, fmt.Sprint("tests-", name, "-", count))
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, fmt.Sprintf("%s_v0.1.0_%s_%s.ptar", name, runtime.GOOS, runtime.GOARCH))
	args := []string{"test"}
	for range count {
		args = append(args, file)
	}
	c := contest{
		name: fmt.Sprintf("test, %d x %s", count, source),
		setUp: func(ctx context.Context) error {
			_, err := b.kpkg("create", filepath.Join(rig.Root(), source), "v0.1.0", "--quiet", "-o", file)(ctx)
			return err
		},
		contenders: []contender{{name: "kpkg test", run: b.kpkg(args...)}},
	}
	if count > 10 {
		c.rounds = 1 // of minutes
	}
	return b.hold(ctx, c)
}

// archivesOf packs a tree, beside the client, and checks the archive; rounds 0 are as many as the bench holds.
func (b *bencher) archivesOf(ctx context.Context, p place, load tree, rounds int) error {
	source, theirs, ours := p.within("source"), p.within("plakar", "a.ptar"), p.within("kpkg", "a.ptar")
	defer os.RemoveAll(source)
	grown := once(func(context.Context) error { return load.make(source) })
	pack := contender{name: "kpkg pack", output: ours, run: b.kpkg("pack", source, "-o", ours)}
	err := b.hold(ctx, contest{name: "archive of " + load.name, setUp: grown, rounds: rounds, contenders: []contender{
		{name: "plakar ptar", output: theirs, run: plakar(p.client, "ptar", "-plaintext", "-o", theirs, source)}, pack,
	}})
	if err != nil {
		return err
	}
	return b.hold(ctx, contest{
		name: "check of " + load.name, rounds: rounds,
		setUp: func(ctx context.Context) error {
			if err := grown(ctx); err != nil {
				return err
			}
			_, err := pack.take(ctx)
			return err
		},
		contenders: []contender{
			{name: "sha256sum", run: program(func(ctx context.Context) (rig.Result, error) { return rig.Run(ctx, "sha256sum", ours) })},
			{name: "kpkg check", run: b.kpkg("check", ours)},
		},
	})
}

// scriptSource writes an integration whose executable is a script.
func scriptSource(dir, name string) error {
	text := fmt.Sprintf("name: %s\ndisplay_name: %[1]s\ndescription: one of many\nlicense: ISC\nhomepage: https://example.org\n"+
		"api_version: v1.1.0\nconnectors:\n"+
		"- {type: importer, class: service, protocols: [%[1]s], executable: run, validator: schema.json}\n", name)
	return errors.Join(
		os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "manifest.yaml"), []byte(text), 0o644),
		os.WriteFile(filepath.Join(dir, "run"), fmt.Appendf(nil, "#!/bin/sh\necho %x\n", sha256.Sum256([]byte(name))), 0o755),
		os.WriteFile(filepath.Join(dir, "schema.json"), []byte(`{"type": "object", "properties": {"location": {"type": "string"}}}`), 0o644),
		os.WriteFile(filepath.Join(dir, "README.md"), []byte("# "+name+"\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "LICENSE"), []byte("ISC\n"), 0o644),
	)
}
