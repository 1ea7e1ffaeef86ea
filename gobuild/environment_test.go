package gobuild

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/manifest"
)

func TestReadEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "env")
	settings := "# written by hand\nGOAMD64=v3\nGOPROXY=https://proxy.example.org\nGOFLAGS=-tags=file\nGOSUMDB=off\nnone\n"
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		environ      []string
		passed, left string
	}{
		{[]string{"GOENV=off", "PATH=/bin"}, "PATH=/bin GOENV=off GOWORK=off GOFLAGS= CGO_ENABLED=0", ""},
		{[]string{"GOENV=off", "GOAMD64=v3", "GOARM64=v8.0", "GO386=softfloat", "GOEXPERIMENT=x", "GOFIPS140=latest",
			"CGO_CFLAGS=-O3", "CGO_ENABLED=1", "GODEBUG=http2client=0"},
			"GODEBUG=http2client=0 GOENV=off GOWORK=off GOFLAGS= CGO_ENABLED=0",
			"CGO_CFLAGS=-O3 CGO_ENABLED=1 GO386=softfloat GOAMD64=v3 GOEXPERIMENT=x GOFIPS140=latest"},
		{[]string{"GOENV=off", "GOFLAGS=-tags=a  '-ldflags=-X a=b' -p=2 --mod=mod -modcacherw -trimpath -buildvcs=false -v -modfile=x"},
			"GOENV=off GOWORK=off GOFLAGS=-p=2 --mod=mod -modcacherw -v -modfile=x CGO_ENABLED=0", "GOFLAGS=-tags=a GOFLAGS=-ldflags=-X a=b"},
		{[]string{"GOENV=" + file, "GOSUMDB=sum.golang.org"},
			"GOSUMDB=sum.golang.org GOPROXY=https://proxy.example.org GOENV=off GOWORK=off GOFLAGS= CGO_ENABLED=0",
			"GOAMD64=v3 GOFLAGS=-tags=file"},
		// An empty variable is none.
		{[]string{"GOENV=" + file, "GOSUMDB=x", "GOPROXY=y", "GOAMD64="},
			"GOSUMDB=x GOPROXY=y GOENV=off GOWORK=off GOFLAGS= CGO_ENABLED=0", "GOAMD64=v3 GOFLAGS=-tags=file"},
		{[]string{"GOENV=" + file + ".none"}, "GOENV=off GOWORK=off GOFLAGS= CGO_ENABLED=0", ""},
	} {
		e := readEnvironment(test.environ)
		if got := strings.Join(e.passed, " "); got != test.passed {
			t.Errorf("of %q pass\n%s, want\n%s", test.environ, got, test.passed)
		}
		if got := strings.Trim(fmt.Sprint(e.left), "[]"); got != test.left {
			t.Errorf("of %q are left out\n%s, want\n%s", test.environ, got, test.left)
		}
	}
}

// TestBuildIgnoresSettings exports everything that would change the bytes, and writes it with go env -w, and builds the same.
func TestBuildIgnoresSettings(t *testing.T) {
	platform := executable.Platform{OS: "linux", Arch: "amd64"}
	build := func(files map[string]string) string {
		t.Helper()
		b := testBuilder(t, Options{}, runGo)
		output, err := b.Build(t.Context(), testPlan(t, files), platform, Stamp{})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(sums(t, output.Files))
	}
	want := build(twoPrograms())
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte("GOAMD64=v4\nGOEXPERIMENT=nogreenteagc\nGOFLAGS=-gcflags=all=-N\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"GOAMD64=v3", "GOEXPERIMENT=nogreenteagc", "GOFLAGS=-tags=foo -buildmode=pie", "GOFIPS140=v1.0.0",
		"GO_EXTLINK_ENABLED=1", "CGO_ENABLED=1", "GOWORK=" + file, "GOENV=" + file} {
		name, value, _ := strings.Cut(setting, "=")
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			if got := build(twoPrograms()); got != want {
				t.Errorf("with %s the executables are %s, want %s", setting, got, want)
			}
		})
	}
	files := twoPrograms()
	files["manifest.yaml"] += "build: {env: {GOAMD64: v3}}\n"
	if got := build(files); got == want {
		t.Error("build.env's GOAMD64 has no effect")
	}
}

// TestWorkspaceIsLeftOut has a go.work that raises what a module would be built from.
func TestWorkspaceIsLeftOut(t *testing.T) {
	root := t.TempDir()
	writeTree(t, root, map[string]string{
		"go.work":            "go 1.24\n\nuse (\n\t./x\n\t./lib\n)\n",
		"lib/go.mod":         "module example.org/lib\n\ngo 1.24\n",
		"lib/lib.go":         "package lib\n\nconst Name = \"of the workspace\"\n",
		"old/go.mod":         "module example.org/lib\n\ngo 1.24\n",
		"old/lib.go":         "package lib\n\nconst Name = \"of the module\"\n",
		"x/go.mod":           "module example.org/x\n\ngo 1.24\n\nrequire example.org/lib v1.0.0\n\nreplace example.org/lib => ../old\n",
		"x/importer/main.go": "package main\n\nimport \"example.org/lib\"\n\nfunc main() { println(lib.Name) }\n",
	})
	for env, want := range map[string]string{"": "of the module", "build: {env: {GOWORK: auto}}\n": "of the workspace"} {
		dir := filepath.Join(root, "x")
		plan, _, _ := Resolve(t.Context(), dir, manifest.Read("manifest.yaml", []byte(manifestOf(env, "importer"))))
		b := testBuilder(t, Options{}, runGo)
		output, err := b.Build(t.Context(), plan, executable.Host(), Stamp{})
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(output.Files["importer"])
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), want) {
			t.Errorf("with %q it is not built %s", env, want)
		}
		if told := plan.Workspace() != ""; told != (env == "") {
			t.Errorf("with %q the workspace is told to be left out: %v", env, told)
		}
	}
	if exists(t, filepath.Join(root, "go.work.sum")) {
		t.Error("a go.work.sum is left behind")
	}
}

func TestLeftOut(t *testing.T) {
	t.Setenv("GOENV", "off")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("GOARM64", "v8.0") // what is built anyway
	t.Setenv("GOFLAGS", "-tags=a -mod=mod")
	t.Setenv("CGO_ENABLED", "1")
	t.Setenv("CGO_CFLAGS", "-O3")
	for env, want := range map[string][]Setting{
		"":                           {{"GOAMD64", "v3"}, {"GOFLAGS", "-tags=a"}},
		"{GOAMD64: v2, GOFLAGS: -v}": nil,
		"{CGO_ENABLED: '1'}":         {{"CGO_CFLAGS", "-O3"}, {"GOAMD64", "v3"}, {"GOFLAGS", "-tags=a"}},
	} {
		files := twoPrograms()
		if env != "" {
			files["manifest.yaml"] += "build: {env: " + env + "}\n"
		}
		if got := testPlan(t, files).LeftOut(); !slices.Equal(got, want) {
			t.Errorf("with build.env %q: %v, want %v", env, got, want)
		}
	}
}
