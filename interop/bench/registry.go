package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// listed is how many integrations the registry that is measured holds.
const listed = 5000

// registry makes a signed registry of many integrations, adds one more, and checks all of it.
func (b *bencher) registry(ctx context.Context) error {
	dir := filepath.Join(b.dir, "registry")
	defer os.RemoveAll(dir)
	at := func(name string) string { return filepath.Join(dir, name) }
	kpkg := func(args ...string) (rig.Result, error) {
		return succeed(rig.RunIn(ctx, dir, []string{"XDG_STATE_HOME=" + at("state")}, b.tools.Kpkg, args...))
	}
	var sources, files []string
	for i := range listed + 1 {
		name := fmt.Sprintf("i%04d", i)
		sources = append(sources, at("sources/"+name))
		if err := scriptSource(at("sources/"+name), name); err != nil {
			return err
		}
	}
	if _, err := kpkg("keygen", "key", "--no-passphrase"); err != nil {
		return err
	}
	for part := range slices.Chunk(sources, 500) {
		args := append([]string{"create", "--no-build", "--quiet", "--platform", "linux/amd64", "--out-dir", at("packages")}, part...)
		if _, err := kpkg(append(args, "v1.0.0")...); err != nil {
			return err
		}
	}
	for _, source := range sources {
		name := filepath.Base(source)
		dist, file := "dists", name+"_v1.0.0_linux_amd64.ptar"
		if source == sources[listed] {
			dist = "more"
		}
		folder := at(filepath.Join(dist, name))
		recipe := "name: " + name + "\nversion: v1.0.0\nrepository: https://example.org/" + name + "\n"
		err := errors.Join(
			os.MkdirAll(folder, 0o755),
			os.Rename(at("packages/"+file), filepath.Join(folder, file)),
			os.WriteFile(filepath.Join(folder, "recipe.yaml"), []byte(recipe), 0o644),
		)
		if err != nil {
			return err
		}
		files = append(files, filepath.Join(folder, file), filepath.Join(folder, "recipe.yaml"))
	}
	for part := range slices.Chunk(files, 1000) {
		if _, err := kpkg(append([]string{"sign", "--quiet", "--key", "key.sec"}, part...)...); err != nil {
			return err
		}
	}
	for _, step := range []struct {
		name string
		args []string
	}{
		{
			fmt.Sprintf("kpkg index, %d integrations, first run", listed),
			[]string{"index", "dists", "--out-dir", "tree", "--key", "key.sec", "--quiet"},
		},
		{"kpkg index, one added", []string{"index", "more", "--out-dir", "tree", "--key", "key.sec", "--quiet"}},
		{"kpkg index --check", []string{"index", "--check", "tree", "--key", "key.pub"}},
	} {
		result, err := kpkg(step.args...)
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintf(b.w, "%.1f s\t\t%.1f s\t\t%.0f MiB\t\t\t\t%s\n",
			result.Wall.Seconds(), result.CPU.Seconds(), mebibytes(result.Peak), step.name)
	}
	return nil
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
