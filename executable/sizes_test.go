package executable

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// buildFor builds a program of several modules.
func buildFor(t *testing.T, platform Platform, ldflags string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program")
	cmd := exec.Command("go", "build", "-o", name, "-ldflags", ldflags, "./testdata/modules")
	cmd.Env = append(os.Environ(), "GOOS="+platform.OS, "GOARCH="+platform.Arch, "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

func sizes(t *testing.T, file *os.File) map[string]ModuleSize {
	t.Helper()
	binary, err := Inspect(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	all, err := SizesByModule(file, info.Size(), binary.Go)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]ModuleSize{}
	sum := int64(0)
	for _, m := range all {
		by[m.Module] = m
		sum += m.Code + m.Data
	}
	if sum != info.Size() {
		t.Errorf("the modules have %d bytes, the file %d", sum, info.Size())
	}
	return by
}

func TestSizesByModule(t *testing.T) {
	var code int64
	for _, p := range []Platform{{"linux", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}} {
		t.Run(p.String(), func(t *testing.T) {
			by := sizes(t, buildFor(t, p, "-s -w"))
			if m := by["gopkg.in/yaml.v3"]; m.Code < 100<<10 || m.Data != 0 {
				t.Errorf("yaml has %+v", m)
			}
			if m := by["std"]; m.Code < 300<<10 {
				t.Errorf("the standard library has %+v", m)
			}
			if m := by["github.com/PlakarKorp/kpkg"]; m.Code == 0 || m.Code > 10<<10 {
				t.Errorf("the main module has %+v", m)
			}
			if p.OS == "linux" {
				code = by["gopkg.in/yaml.v3"].Code
			}
		})
	}
	// Symbols add data and leave the code as it is.
	with := sizes(t, buildFor(t, Platform{"linux", "amd64"}, ""))["gopkg.in/yaml.v3"]
	if with.Code != code || with.Data < 100 {
		t.Errorf("with symbols yaml has %+v, without %d bytes of code", with, code)
	}
}

// Whatever stands in the tables: an answer or an error, and no memory for what they claim.
func TestSizesOfDamagedTables(t *testing.T) {
	file := buildFor(t, Platform{"linux", "amd64"}, "-s -w")
	binary, err := Inspect(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	at := findLines(data)
	if at < 0 {
		t.Fatal("no table of functions")
	}
	for i := range 2048 {
		old := data[at+i]
		data[at+i] ^= 0xff
		_, err := SizesByModule(bytes.NewReader(data), int64(len(data)), binary.Go)
		if i < 4 && !errors.Is(err, ErrNoSizes) {
			t.Errorf("byte %d: %v", i, err)
		}
		data[at+i] = old
		if i > 80 {
			break
		}
	}
	if _, err := SizesByModule(bytes.NewReader(data), int64(len(data)), nil); !errors.Is(err, ErrNoSizes) {
		t.Errorf("without build information: %v", err)
	}
}

func TestPackageOf(t *testing.T) {
	for symbol, want := range map[string]string{
		"main.main":                                "main",
		"runtime.mallocgc":                         "runtime",
		"gopkg.in/yaml%2ev3.(*parser).parse":       "gopkg.in/yaml.v3",
		"github.com/a/b.F[go.shape.struct{x/y.Z}]": "github.com/a/b",
		"go:string.*":                              "",
		"type:.eq.struct":                          "",
		"_cgo_init":                                "",
		"encoding/json.(*Decoder).Decode":          "encoding/json",
	} {
		if got := packageOf(symbol); got != want {
			t.Errorf("%s: %q, want %q", symbol, got, want)
		}
	}
}
