package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/internal/modules"
	"github.com/PlakarKorp/kpkg/release"
)

const (
	description = "Build, check and try packages of plakar integrations"
	repository  = "https://github.com/PlakarKorp/kpkg"
	licence     = "ISC"
)

type options struct {
	// dir is in the repository whose commit is released.
	dir, outDir         string
	key, passphraseFile string
	platforms           []executable.Platform
}

// workshop is where a release is made, beside the folder in which it appears.
type workshop struct {
	source, files, programs string // folders: the clone, what is released, what is built
	kpkg                    string // the program, for this machine
	version                 string
	time                    time.Time // of the commit
	shared                  []file    // what every archive has beside the program
}

// run makes the release, and tells out what is in it.
func run(ctx context.Context, opts options, out io.Writer) (err error) {
	if err := os.MkdirAll(opts.outDir, 0o755); err != nil {
		return fmt.Errorf("making the folder of releases: %w", err)
	}
	work, err := os.MkdirTemp(opts.outDir, ".release-*")
	if err != nil {
		return fmt.Errorf("making the release: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if work, err = filepath.Abs(work); err != nil {
		return err
	}
	w := &workshop{source: filepath.Join(work, "source"), files: filepath.Join(work, "files"), programs: filepath.Join(work, "programs")}
	if err := os.Mkdir(w.files, 0o755); err != nil {
		return err
	}
	// A clone has nothing that is not committed, and Go reads the commit of one.
	if err := command(ctx, opts.dir, nil, "git", "clone", "--quiet", ".", w.source); err != nil {
		return err
	}
	host := executable.Host()
	if w.kpkg, err = w.build(ctx, host); err != nil {
		return err
	}
	if err := w.identify(); err != nil {
		return err
	}
	final := filepath.Join(opts.outDir, "kpkg_"+w.version)
	if _, err := os.Lstat(final); err == nil {
		return fmt.Errorf("%s is there already: a release is made once; remove it to make it again", final)
	}
	if w.shared, err = w.share(ctx); err != nil {
		return err
	}
	for _, platform := range opts.platforms {
		fmt.Fprintf(out, "kpkg %s for %s\n", w.version, platform)
		if err := w.make(ctx, platform); err != nil {
			return fmt.Errorf("%s: %w", platform, err)
		}
	}
	if err := w.sign(ctx, opts); err != nil {
		return err
	}
	if err := os.Rename(w.files, final); err != nil {
		return fmt.Errorf("placing the release: %w", err)
	}
	fmt.Fprintf(out, "%s\n", final)
	return nil
}

// build builds kpkg for a platform.
func (w *workshop) build(ctx context.Context, platform executable.Platform) (string, error) {
	name := filepath.Join(w.programs, platform.OS+"_"+platform.Arch, "kpkg")
	if platform.OS == "windows" {
		name += ".exe"
	}
	// What the environment says of Go does not reach the bytes.
	env := []string{
		"CGO_ENABLED=0", "GOOS=" + platform.OS, "GOARCH=" + platform.Arch, "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off", "GOAMD64=v1",
		"GOARM64=v8.0", "GODEBUG=", "GOFIPS140=off",
	}
	err := command(ctx, w.source, env, "go", "build", "-trimpath", "-buildvcs=true", "-ldflags", "-s -w", "-o", name, "./cmd/kpkg")
	return name, err
}

// identify reads the version and the time of the commit out of the program.
func (w *workshop) identify() error {
	info, err := buildinfo.ReadFile(w.kpkg)
	if err != nil {
		return fmt.Errorf("reading what kpkg says of itself: %w", err)
	}
	w.version = info.Main.Version
	when := setting(info, "vcs.time")
	w.time, err = time.Parse(time.RFC3339, when)
	if err != nil || !strings.HasPrefix(w.version, "v") || strings.HasSuffix(w.version, "+dirty") {
		return fmt.Errorf("kpkg is version %q of %q: a release is built by git and go from a commit", w.version, when)
	}
	return nil
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// share collects what every archive has beside the program: the manual, completions, licence and documents.
func (w *workshop) share(ctx context.Context) ([]file, error) {
	manual := filepath.Join(w.programs, "man")
	epoch := []string{"SOURCE_DATE_EPOCH=" + strconv.FormatInt(w.time.Unix(), 10)}
	if err := command(ctx, w.source, epoch, w.kpkg, "manual", manual); err != nil {
		return nil, err
	}
	var files []file
	add := func(name, from string) error {
		content, err := os.ReadFile(from)
		files = append(files, file{name: name, content: content, mode: 0o644})
		return err
	}
	pages, err := filepath.Glob(filepath.Join(manual, "*.1"))
	if err != nil || len(pages) == 0 {
		return nil, fmt.Errorf("there is no manual in %s", manual)
	}
	for _, page := range pages {
		err = errors.Join(err, add("man/"+filepath.Base(page), page))
	}
	for _, document := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		err = errors.Join(err, add(document, filepath.Join(w.source, document)))
	}
	for shell, name := range map[string]string{"bash": "kpkg.bash", "zsh": "_kpkg", "fish": "kpkg.fish", "powershell": "kpkg.ps1"} {
		script, failed := exec.CommandContext(ctx, w.kpkg, "completion", shell).Output()
		files = append(files, file{name: "completions/" + name, content: script, mode: 0o644})
		err = errors.Join(err, failed)
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, err
}

// make makes all that there is for one platform.
func (w *workshop) make(ctx context.Context, platform executable.Platform) error {
	program, err := w.build(ctx, platform)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("kpkg_%s_%s_%s", w.version, platform.OS, platform.Arch)
	files := append([]file{{filepath.Base(program), 0o755, content}}, w.shared...)
	write, extension := tarGz, ".tar.gz"
	if platform.OS == "windows" {
		write, extension = zipped, ".zip"
	}
	var archive bytes.Buffer
	if err := write(&archive, name, files, w.time); err != nil {
		return err
	}
	made := []string{filepath.Join(w.files, name+extension)}
	if err := os.WriteFile(made[0], archive.Bytes(), 0o644); err != nil {
		return err
	}
	if platform.OS == "linux" {
		debian := filepath.Join(w.files, fmt.Sprintf("kpkg_%s_%s.deb", debianVersion(w.version), platform.Arch))
		if err := w.debian(ctx, debian, platform.Arch, files); err != nil {
			return err
		}
		made = append(made, debian)
	}
	for _, file := range made {
		if err := w.parts(ctx, file, program, platform); err != nil {
			return err
		}
	}
	return nil
}

// parts writes the list of what a file is made of.
func (w *workshop) parts(ctx context.Context, file, program string, platform executable.Platform) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	cache, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE").Output()
	if err != nil {
		return fmt.Errorf("asking go for its cache of modules: %w", err)
	}
	sum, err := release.SumFile(ctx, file)
	if err != nil {
		return err
	}
	parts := release.Parts{
		File: sum.Name, SHA256: sum.SHA256, Name: "kpkg", Version: w.version, Platform: platform, Repository: repository,
		Description: description, Licence: licence, Executables: []string{filepath.Base(program)},
		Modules:  modules.Source{Main: w.source, Cache: strings.TrimSpace(string(cache))}.Of([]*debug.BuildInfo{info}),
		Licences: map[modules.Module]modules.Licence{},
	}
	for _, m := range parts.Modules {
		parts.Licences[m] = m.Licence()
	}
	list, err := parts.List()
	if err != nil {
		return err
	}
	return os.WriteFile(file+release.PartsExtension, list, 0o644)
}

// sign writes the sum of every file and, with a key, its signature. kpkg does that itself, and asks for the passphrase.
func (w *workshop) sign(ctx context.Context, opts options) error {
	entries, err := os.ReadDir(w.files)
	if err != nil {
		return err
	}
	var files []string
	for _, entry := range entries {
		files = append(files, filepath.Join(w.files, entry.Name()))
	}
	if opts.key == "" {
		for _, file := range files {
			if _, err := release.WriteSum(ctx, file); err != nil {
				return err
			}
		}
		return nil
	}
	args := []string{"sign", "--quiet", "--key", opts.key}
	if opts.passphraseFile != "" {
		args = append(args, "--passphrase-file", opts.passphraseFile)
	}
	return command(ctx, "", nil, w.kpkg, append(args, files...)...)
}

// command runs a program with more in its environment. Its input and output are this program's.
func command(ctx context.Context, dir string, env []string, program string, args ...string) error {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", filepath.Base(program), args[0], err)
	}
	return nil
}

// file is one of an archive.
type file struct {
	name    string
	mode    fs.FileMode
	content []byte
}
