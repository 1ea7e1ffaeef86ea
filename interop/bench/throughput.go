package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// workload is a tree of equal files.
type workload struct {
	name        string
	files, size int
}

// workloads are those of a quick run, and the full ones.
func workloads(full bool) []workload {
	if full {
		return []workload{{"1 x 2 GB", 1, 2 << 30}, {"2,000 x 1 MB", 2000, 1 << 20}, {"50,000 x 4 KB", 50000, 4 << 10}}
	}
	return []workload{{"1 x 256 MB", 1, 256 << 20}, {"200 x 1 MB", 200, 1 << 20}, {"4,000 x 4 KB", 4000, 4 << 10}}
}

// transfer is what a command of the client took.
type transfer struct {
	wall, client time.Duration // client is its CPU time, without its plugins'
	plugin       rig.Usage
}

// throughput runs the same connectors as plakar's builtins, as plugins on upstream's SDK and as plugins on kpkg's, with the
// real client: backup through the importer, restore through the exporter, backup and check of a store through the storage.
func (b *bencher) throughput(ctx context.Context) error {
	upstream := filepath.Join(b.dir, "throughput-upstream")
	if err := os.CopyFS(upstream, os.DirFS(filepath.Join(rig.Root(), "interop", "upstream"))); err != nil {
		return err
	}
	type runtimeUnderTest struct {
		name, scheme string
		client       *rig.Client
	}
	tests := []runtimeUnderTest{{name: "builtin", scheme: "fs"}, {name: "upstream's SDK", scheme: "fis"}, {name: "kpkg's SDK", scheme: "fis"}}
	for i, source := range []string{"", upstream, filepath.Join(rig.Root(), "examples", "fs")} {
		client, err := b.tools.NewClient()
		if err != nil {
			return err
		}
		defer client.Close()
		tests[i].client = client
		if source == "" {
			continue
		}
		name := "fs-upstream"
		if i == 2 {
			name = "fs-plugin"
		}
		file := filepath.Join(b.dir, fmt.Sprintf("%s_v0.1.0_%s_%s.ptar", name, runtime.GOOS, runtime.GOARCH))
		if _, err := succeed(rig.Run(ctx, b.tools.Kpkg, "create", source, "v0.1.0", "--quiet", "--force", "-o", file)); err != nil {
			return err
		}
		if _, err := succeed(client.Run(ctx, "pkg", "add", file)); err != nil {
			return err
		}
	}

	for _, load := range workloads(b.full) {
		tree := filepath.Join(b.dir, "tree")
		if err := grow(tree, load); err != nil {
			return err
		}
		rows := map[string][]transfer{}
		for _, test := range tests {
			work := filepath.Join(b.dir, "throughput")
			local := "fs://" + filepath.Join(work, "local")
			remote := test.scheme + "://" + filepath.Join(work, "remote")
			steps := []struct {
				what string // "" is not measured
				args []string
			}{
				{"", []string{"at", local, "create", "-plaintext"}},
				{"import", []string{"at", local, "backup", "-no-progress", test.scheme + "://" + tree}},
				{"export", []string{"at", local, "restore", "-to", test.scheme + "://" + filepath.Join(work, "restored")}},
				{"", []string{"at", remote, "create", "-plaintext"}},
				{"store", []string{"at", remote, "backup", "-no-progress", "fs://" + tree}},
				{"check", []string{"at", remote, "check"}},
			}
			if err := os.MkdirAll(work, 0o755); err != nil {
				return err
			}
			for _, step := range steps {
				result, plugin, err := test.client.RunWatched(ctx, step.args...)
				if _, err := succeed(result, err); err != nil {
					return fmt.Errorf("%s, %s, %s: %w", load.name, step.what, test.name, err)
				}
				if step.what != "" {
					rows[step.what] = append(rows[step.what], transfer{result.Wall, result.CPU, plugin})
				}
			}
			if err := os.RemoveAll(work); err != nil {
				return err
			}
		}
		for _, what := range []string{"import", "export", "store", "check"} {
			for i, t := range rows[what] {
				fmt.Fprintf(b.w, "%.2f s\t%s\t%.2f s\t%.2f s\t%.0f MiB\t\t%s, %s: %s\n", t.wall.Seconds(), ratio(t.wall, rows[what][0].wall),
					t.client.Seconds(), t.plugin.CPU.Seconds(), mebibytes(t.plugin.Peak), what, load.name, tests[i].name)
			}
		}
		if err := os.RemoveAll(tree); err != nil {
			return err
		}
	}
	return nil
}

// grow writes the tree of a workload, with content that neither compresses nor repeats.
func grow(tree string, load workload) error {
	random := rand.NewChaCha8([32]byte{byte(load.files), byte(load.size >> 10)})
	block := make([]byte, min(load.size, 1<<20))
	for i := range load.files {
		folder := filepath.Join(tree, fmt.Sprint(i/500))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		f, err := os.Create(filepath.Join(folder, fmt.Sprint(i)))
		if err != nil {
			return err
		}
		for written := 0; written < load.size; written += len(block) {
			random.Read(block)
			if _, err := f.Write(block); err != nil {
				return errors.Join(err, f.Close())
			}
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}
