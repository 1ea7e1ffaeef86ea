package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Test runs the suite as a Go test: a subtest for every check, named by its id.
//
//	func TestImporter(t *testing.T) {
//		conformance.Test(t, conformance.Config{
//			Type: conformance.Importer, Protocol: "ftp",
//			Program:  conformance.Program{Main: "./plugin/importer"},
//			Settings: map[string]string{"location": "ftp://" + server.Addr},
//		})
//	}
//
// A program with Main is built first, with "go build", and with -cover if the variable GOCOVERDIR names a folder for what is
// reached in it.
func Test(t *testing.T, config Config) {
	t.Helper()
	for _, program := range []*Program{&config.Program, &config.ReadBack} {
		if program.Executable == "" && program.Main != "" {
			program.Executable = build(t, program.Main)
		}
	}
	results, err := Run(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		t.Run(r.ID, func(t *testing.T) {
			switch r.Status {
			case Fail:
				t.Errorf("%s: %s", r.Title, r.Detail)
			case Skip:
				t.Skip(r.Detail)
			}
		})
	}
}

func build(t *testing.T, main string) string {
	t.Helper()
	executable := filepath.Join(t.TempDir(), "plugin")
	if runtime.GOOS == "windows" {
		executable += ".exe"
	}
	args := []string{"build", "-o", executable}
	if os.Getenv("GOCOVERDIR") != "" {
		args = append(args, "-cover")
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, main)...)
	cmd.Env = os.Environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", main, err, out)
	}
	return executable
}
