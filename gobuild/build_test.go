package gobuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/manifest"
)

const program = "package main\n\nvar version = \"unset\"\n\nfunc main() { println(version) }\n"

// testPlan lays out files and resolves the manifest among them.
func testPlan(t *testing.T, files map[string]string) *Plan {
	t.Helper()
	dir := t.TempDir()
	writeTree(t, dir, files)
	plan, findings, err := Resolve(t.Context(), dir, manifest.Read("manifest.yaml", []byte(files["manifest.yaml"])))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Log(f)
	}
	return plan
}

func testBuilder(t *testing.T, options Options, run runner) *Builder {
	t.Helper()
	b, err := newBuilder(options, run)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(b.work); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("Close left %s: %v", b.work, err)
		}
	})
	return b
}

// manifestOf names one executable for each of a few connectors.
func manifestOf(build string, executables ...string) string {
	var b strings.Builder
	b.WriteString("name: x\nconnectors:\n")
	for _, e := range executables {
		fmt.Fprintf(&b, "- type: importer\n  executable: %s\n", e)
	}
	return b.String() + build
}

func TestBuild(t *testing.T) {
	plan := testPlan(t, map[string]string{
		"go.mod": "module example.org/x/v2\n\ngo 1.24\n",
		"manifest.yaml": manifestOf("build:\n  packages: {a: ./a/cmd, b: ./b/cmd, bin/c: ., d: ./d/v3, again: ./a/cmd}\n"+
			"  ldflags: -X main.version={{.Version}}-{{.Commit}}\n  tags: [special, other]\n",
			"a", "b", "bin/c", "d", "again", "files", "script"),
		"a/cmd/main.go":  program,
		"b/cmd/main.go":  program,
		"main.go":        program,
		"d/v3/main.go":   "//go:build special\n\n" + program,
		"files/one.go":   program,
		"files/two.go":   program,
		"Makefile":       "all:\n\tgo build -o files ./files/one.go\n",
		"script":         "#!/bin/sh\n",
		"script.exe":     "MZ",
		"lib/library.go": "package lib\n",
	})
	// What the user exports must not decide what is built, nor must the user's flags be lost.
	for name, value := range map[string]string{"GOOS": "plan9", "GOARCH": "386", "CGO_ENABLED": "1", "GOFLAGS": "-mod=mod"} {
		t.Setenv(name, value)
	}
	b := testBuilder(t, Options{Jobs: 1, CacheDir: t.TempDir()}, runGo)
	for _, platform := range []executable.Platform{executable.Host(), {OS: "windows", Arch: "amd64"}} {
		output, err := b.Build(t.Context(), plan, platform, Stamp{Version: "v1.2.3", Commit: "abc"})
		if err != nil {
			t.Fatal(err)
		}
		if output.Cached || len(output.Files) != 7 {
			t.Errorf("%s: cached %v, files %v", platform, output.Cached, output.Files)
		}
		if want := platform.FileName(filepath.Join(plan.Dir, "script")); output.Files["script"] != want {
			t.Errorf("%s: the prebuilt file is %s, want %s", platform, output.Files["script"], want)
		}
		delete(output.Files, "script")
		mains := map[string]string{}
		for name, file := range output.Files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			binary, err := executable.Inspect(bytes.NewReader(data))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !binary.Runs(platform) || !binary.Stripped || binary.Setting("-trimpath") != "true" ||
				binary.Setting("CGO_ENABLED") != "0" || binary.Setting("-tags") != "special,other" {
				t.Errorf("%s for %s: %+v %v", name, platform, binary, binary.Go.Settings)
			}
			if !bytes.Contains(data, []byte("v1.2.3-abc")) {
				t.Errorf("%s for %s has no version stamped in", name, platform)
			}
			mains[name] = binary.Go.Path
		}
		want := map[string]string{
			"a": "example.org/x/v2/a/cmd", "b": "example.org/x/v2/b/cmd", "bin/c": "example.org/x/v2",
			"d": "example.org/x/v2/d/v3", "again": "example.org/x/v2/a/cmd", "files": "command-line-arguments",
		}
		if fmt.Sprint(mains) != fmt.Sprint(want) {
			t.Errorf("%s: main packages %v, want %v", platform, mains, want)
		}
	}
}

// twoPrograms is a small integration: two main packages that go can build together.
func twoPrograms() map[string]string {
	return map[string]string{
		"go.mod":           "module example.org/x\n\ngo 1.24\n",
		"manifest.yaml":    manifestOf("", "importer", "exporter"),
		"importer/main.go": program,
		"exporter/main.go": program,
	}
}

func sums(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for name, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sums[name] = fmt.Sprintf("%x", sha256.Sum256(data))
	}
	return sums
}

// TestBuildIsTheSameEverywhere builds in two folders, for two homes. With the compiler's cache empty, which takes long,
// testdata/script/reproducible.txtar does it.
func TestBuildIsTheSameEverywhere(t *testing.T) {
	compiler, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(compiler)))
	build := func() string {
		b := testBuilder(t, Options{CacheDir: t.TempDir()}, runGo)
		output, err := b.Build(t.Context(), testPlan(t, twoPrograms()), executable.Host(), Stamp{})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(sums(t, output.Files))
	}
	here := build()
	t.Setenv("HOME", t.TempDir())
	if elsewhere := build(); elsewhere != here {
		t.Errorf("built in two folders, with two homes:\n%v\n%v", here, elsewhere)
	}
}

func TestBuildKeepsOutputs(t *testing.T) {
	plan, root := testPlan(t, twoPrograms()), t.TempDir()
	build := func(stamp string) (map[string]string, bool) {
		t.Helper()
		b := testBuilder(t, Options{CacheDir: root}, runGo)
		output, err := b.Build(t.Context(), plan, executable.Host(), Stamp{Version: stamp})
		if err != nil {
			t.Fatal(err)
		}
		return sums(t, output.Files), output.Cached
	}
	first, cached := build("v1")
	if cached {
		t.Error("the first build is cached")
	}
	if again, cached := build("v1"); !cached || fmt.Sprint(again) != fmt.Sprint(first) {
		t.Errorf("the second build is cached: %v; it gave %v after %v", cached, again, first)
	}
	writeTree(t, plan.Dir, map[string]string{"importer/main.go": program + "\nfunc init() { version = \"new\" }\n"})
	changed, cached := build("v1")
	if cached || changed["importer"] == first["importer"] || changed["exporter"] != first["exporter"] {
		t.Errorf("after a change of one program: cached %v, %v after %v", cached, changed, first)
	}
}

// TestBuildDropsDamagedOutputs damages what is kept in ways that go does not notice, or that make go fail.
func TestBuildDropsDamagedOutputs(t *testing.T) {
	plan, root := testPlan(t, twoPrograms()), t.TempDir()
	build := func() Output {
		t.Helper()
		b := testBuilder(t, Options{CacheDir: root}, runGo)
		output, err := b.Build(t.Context(), plan, executable.Host(), Stamp{})
		if err != nil {
			t.Fatal(err)
		}
		output.Files = sums(t, output.Files)
		return output
	}
	first := build()
	for name, damage := range map[string]func(data []byte) []byte{
		"flipped":   func(data []byte) []byte { data[len(data)/2] ^= 1; return data },
		"longer":    func(data []byte) []byte { return append(data, "EVIL"...) },
		"truncated": func(data []byte) []byte { return data[:len(data)/2] },
		"empty":     func([]byte) []byte { return nil },
		"a script":  func([]byte) []byte { return []byte("#!/bin/sh\n") },
	} {
		kept, err := filepath.Glob(filepath.Join(root, "outputs", "*", "importer-*"))
		if err != nil || len(kept) != 1 {
			t.Fatalf("kept %v, %v", kept, err)
		}
		data, err := os.ReadFile(kept[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(kept[0], damage(data), 0o700); err != nil {
			t.Fatal(err)
		}
		again := build()
		if again.Cached || !slices.Equal(again.Damaged, []string{"importer"}) || fmt.Sprint(again.Files) != fmt.Sprint(first.Files) {
			t.Errorf("%s: cached %v, damaged %v, %v after %v", name, again.Cached, again.Damaged, again.Files, first.Files)
		}
		if mended := build(); !mended.Cached || mended.Damaged != nil || fmt.Sprint(mended.Files) != fmt.Sprint(first.Files) {
			t.Errorf("%s, the run after: cached %v, damaged %v", name, mended.Cached, mended.Damaged)
		}
	}
}

func TestBuildReportsTheCompiler(t *testing.T) {
	files := twoPrograms()
	files["exporter/main.go"] = "package main\n\nfunc main() { missing() }\n"
	b := testBuilder(t, Options{CacheDir: t.TempDir()}, runGo)
	_, err := b.Build(t.Context(), testPlan(t, files), executable.Host(), Stamp{})
	var build *BuildError
	if !errors.As(err, &build) || build.Platform != executable.Host() {
		t.Fatalf("got %v", err)
	}
	if want := filepath.FromSlash("exporter/main.go:3:15: undefined: missing"); !strings.Contains(build.Output, want) {
		t.Errorf("the compiler's output is %q, without %q", build.Output, want)
	}
	if !strings.Contains(err.Error(), "undefined: missing") || !strings.Contains(err.Error(), executable.Host().String()) {
		t.Errorf("the error says %q", err)
	}
}

// TestBuildUsesVendor has a dependency that is nowhere but in the vendor folder.
func TestBuildUsesVendor(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOFLAGS", "")
	b := testBuilder(t, Options{CacheDir: t.TempDir()}, runGo)
	output, err := b.Build(t.Context(), testPlan(t, map[string]string{
		"go.mod":                        "module example.org/x\n\ngo 1.24\n\nrequire example.org/lib v1.0.0\n",
		"manifest.yaml":                 manifestOf("", "importer"),
		"importer/main.go":              "package main\n\nimport \"example.org/lib\"\n\nfunc main() { println(lib.Name) }\n",
		"vendor/modules.txt":            "# example.org/lib v1.0.0\n## explicit; go 1.24\nexample.org/lib\n",
		"vendor/example.org/lib/lib.go": "package lib\n\nconst Name = \"a\"\n",
	}), executable.Host(), Stamp{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(output.Files["importer"])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	binary, err := executable.Inspect(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(binary.Go.Deps) != 1 || binary.Go.Deps[0].Path != "example.org/lib" {
		t.Errorf("dependencies %v", binary.Go.Deps)
	}
}

func TestBuildMissesPrebuiltFile(t *testing.T) {
	plan := testPlan(t, map[string]string{"manifest.yaml": manifestOf("", "a"), "a": "#!/bin/sh\n"})
	b := testBuilder(t, Options{CacheDir: t.TempDir()}, runGo)
	_, err := b.Build(t.Context(), plan, executable.Platform{OS: "windows", Arch: "amd64"}, Stamp{})
	if err == nil || !strings.Contains(err.Error(), "executable a (for windows a.exe) is not there: build it") {
		t.Errorf("got %v", err)
	}
}

func TestBuildWithoutGo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	b := testBuilder(t, Options{CacheDir: t.TempDir()}, runGo)
	_, err := b.Build(t.Context(), testPlan(t, twoPrograms()), executable.Host(), Stamp{})
	if err == nil || !strings.Contains(err.Error(), "the go command is not in PATH: install Go") {
		t.Errorf("got %v", err)
	}
}

// fakeGo stands for a go build that makes its outputs at once.
func fakeGo(args []string) error {
	at := slices.Index(args, "-o")
	output := args[at+1]
	if !strings.HasSuffix(output, string(filepath.Separator)) {
		return os.WriteFile(output, nil, 0o755)
	}
	for _, name := range args[at+2:] {
		if err := os.WriteFile(filepath.Join(output, filepath.Base(name)), nil, 0o755); err != nil {
			return err
		}
	}
	return nil
}

func TestBuildTakesTurns(t *testing.T) {
	const jobs = 2
	var running, most, calls atomic.Int32
	run := func(_ context.Context, _ string, env, args []string, _ io.Writer) ([]byte, error) {
		if args[0] != "build" {
			return nil, nil // go list, of nothing
		}
		calls.Add(1)
		if now := running.Add(1); now > most.Load() {
			most.Store(now)
		}
		defer running.Add(-1)
		if slices.Contains(env, "GOOS=darwin") {
			return []byte("x.go:1:1: no\n"), errors.New("exit status 1")
		}
		return nil, fakeGo(args)
	}
	plan := testPlan(t, twoPrograms())
	var started atomic.Int32
	b := testBuilder(t, Options{Jobs: jobs, Started: func(p *Plan, _ executable.Platform) {
		if p != plan {
			t.Error("another plan was started")
		}
		started.Add(1)
	}}, run)
	var failed sync.Map
	var group sync.WaitGroup
	for _, platform := range executable.Shipped() {
		if platform.OS == "windows" {
			continue // fakeGo makes no .exe
		}
		group.Go(func() {
			if _, err := b.Build(t.Context(), plan, platform, Stamp{}); err != nil {
				failed.Store(platform, err)
			}
		})
	}
	group.Wait()
	if calls.Load() != 5 || started.Load() != 5 || most.Load() > jobs {
		t.Errorf("%d calls, %d started, %d at a time", calls.Load(), started.Load(), most.Load())
	}
	for _, platform := range executable.Shipped() {
		_, bad := failed.Load(platform)
		if bad != (platform.OS == "darwin") {
			t.Errorf("%s failed: %v", platform, bad)
		}
	}
}

func TestBuildCancelledWhileWaiting(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	run := func(_ context.Context, _ string, _, args []string, _ io.Writer) ([]byte, error) {
		if args[0] != "build" {
			return nil, nil // go list, of nothing
		}
		close(entered)
		<-leave
		return nil, fakeGo(args)
	}
	b := testBuilder(t, Options{Jobs: 1}, run)
	plan := testPlan(t, twoPrograms())
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := b.Build(t.Context(), plan, executable.Host(), Stamp{}); err != nil {
			t.Error(err)
		}
	})
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Build(ctx, plan, executable.Host(), Stamp{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(leave)
	group.Wait()
}

func TestBuildArguments(t *testing.T) {
	var gotArgs, gotEnv []string
	run := func(_ context.Context, _ string, env, args []string, _ io.Writer) ([]byte, error) {
		if args[0] != "build" {
			return nil, nil // go list, of nothing
		}
		gotArgs, gotEnv = args, env
		return nil, fakeGo(args)
	}
	files := twoPrograms()
	files["manifest.yaml"] = manifestOf("build:\n  ldflags: -s=false\n  env: {GOAMD64: v3, GOOS: plan9, CGO_ENABLED: \"1\"}\n",
		"importer", "exporter")
	b := testBuilder(t, Options{CacheDir: t.TempDir()}, run)
	b.environ = readEnvironment([]string{"GOFLAGS=-mod=vendor", "GOPROXY=off", "GOCACHEPROG=helper", "CGO_ENABLED=0", "GOOS=aix",
		"PWD=/elsewhere", "GOENV=off"}).passed
	plan := testPlan(t, files)
	if _, err := b.Build(t.Context(), plan, executable.Platform{OS: "linux", Arch: "amd64"}, Stamp{}); err != nil {
		t.Fatal(err)
	}
	args := strings.Join(gotArgs, " ")
	for _, want := range []string{
		fmt.Sprintf("build -buildvcs=false -p %d -trimpath -ldflags -s -w -s=false -gcflags=all=-dwarf=false -o ", runtime.NumCPU()),
		" ./importer ./exporter",
	} {
		if !strings.Contains(args, want) {
			t.Errorf("arguments %q lack %q", args, want)
		}
	}
	effective := map[string]string{}
	for _, setting := range gotEnv {
		name, value, _ := strings.Cut(setting, "=")
		effective[name] = value
	}
	delete(effective, "GOTMPDIR")
	want := map[string]string{"GOFLAGS": "-mod=vendor", "GOPROXY": "off", "GOCACHEPROG": "helper", "GOAMD64": "v3",
		"GOENV": "off", "GOWORK": "off", "CGO_ENABLED": "1", "GOOS": "linux", "GOARCH": "amd64", "PWD": plan.Dir}
	if fmt.Sprint(effective) != fmt.Sprint(want) {
		t.Errorf("environment %v, want %v", effective, want)
	}
}

// TestBuildForCoverage builds what tells what is reached in it.
func TestBuildForCoverage(t *testing.T) {
	plan := testPlan(t, twoPrograms())
	for _, cover := range []bool{false, true} {
		b := testBuilder(t, Options{Cover: cover}, runGo)
		b.pending.Store(1)
		args := b.arguments(plan, "", calls(plan, executable.Host(), t.TempDir())[0])
		if slices.Contains(args, "-cover") != cover {
			t.Errorf("with %v: %q", cover, args)
		}
	}
}

func TestExpandLDFlags(t *testing.T) {
	const known = " in build.ldflags: there are {{.Version}}, {{.Commit}} and {{.Date}}"
	stamp := Stamp{Version: "v1.2.3", Commit: "abc", Date: "2026-01-02T03:04:05Z"}
	for in, want := range map[string]string{
		"":                                      "",
		"-X a.v={{.Version}}":                   "-X a.v=v1.2.3",
		"-X a.c={{ .Commit }} -X a.d={{.Date}}": "-X a.c=abc -X a.d=2026-01-02T03:04:05Z",
		"{{.Tag}}":                              "unknown field {{.Tag}}" + known,
		"{{printf .Tag}}":                       "unknown field {{printf .Tag}}" + known,
		"{{.Version":                            "build.ldflags has a {{ without its }}",
	} {
		got, err := expandLDFlags(in, stamp)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func TestCompilerFlagsOfTheManifestComeFirst(t *testing.T) {
	for _, test := range []struct{ goflags, ldflags, want string }{
		{"", "", "-gcflags=all=-dwarf=false"},
		{"-v -tags=x", "-X main.v=1", "-gcflags=all=-dwarf=false"},
		{"-gcflags=all=-N", "", ""},
		{"", "-w=false", ""},
	} {
		plan := &Plan{settings: manifest.Build{Env: map[string]string{"GOFLAGS": test.goflags}}}
		if got := compilerFlags(plan, test.ldflags); strings.Join(got, " ") != test.want {
			t.Errorf("with GOFLAGS %q and ldflags %q: %q", test.goflags, test.ldflags, got)
		}
	}
}

func TestStampNeedsACommit(t *testing.T) {
	for ldflags, refused := range map[string]bool{
		"-X main.v={{.Version}}": false, "-X main.c={{.Commit}}": true, "-X main.d={{ .Date }}": true,
	} {
		plan := &Plan{Executables: []Executable{{Name: "a", Package: "./a"}}, settings: manifest.Build{LDFlags: ldflags}}
		if err := plan.CheckStamp(Stamp{Version: "v1.0.0"}); (err != nil) != refused {
			t.Errorf("%s without a commit: %v", ldflags, err)
		}
		if err := plan.CheckStamp(Stamp{"v1.0.0", "abc", "2026-01-01T00:00:00Z"}); err != nil {
			t.Errorf("%s: %v", ldflags, err)
		}
	}
}

// TestBuildForDebugger looks into executables with and without what a debugger needs, from one cache.
func TestBuildForDebugger(t *testing.T) {
	plan := testPlan(t, map[string]string{
		"go.mod": "module example.org/x\n", "main.go": "package main\n\nfunc main() {}\n", "manifest.yaml": manifestOf("", "importer"),
	})
	cacheDir := t.TempDir()
	for _, debug := range []bool{false, true, false} {
		b := testBuilder(t, Options{Jobs: 1, CacheDir: cacheDir, Debug: debug}, runGo)
		// An ELF file on every machine, to look into.
		output, err := b.Build(t.Context(), plan, executable.Platform{OS: "linux", Arch: "amd64"}, Stamp{})
		if err != nil {
			t.Fatal(err)
		}
		file, err := elf.Open(output.Files["importer"])
		if err != nil {
			t.Fatal(err)
		}
		info, err := buildinfo.ReadFile(output.Files["importer"])
		if err != nil {
			t.Fatal(err)
		}
		settings := fmt.Sprint(info.Settings)
		if symbols := file.Section(".symtab") != nil && file.Section(".debug_info") != nil; symbols != debug {
			t.Errorf("debug %v, symbols %v", debug, symbols)
		}
		if unoptimized := strings.Contains(settings, "{-gcflags all=-N -l}"); unoptimized != debug {
			t.Errorf("debug %v, settings %s", debug, settings)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
