package host_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/executable/executabletest"
	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// TestOpenImageElsewhere says of a package with images of another architecture that it does not run here, whatever emulator there is.
func TestOpenImageElsewhere(t *testing.T) {
	arch := "arm64"
	if runtime.GOARCH == arch {
		arch = "amd64"
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, executabletest.Program(t, "linux", arch), 0o700); err != nil {
		t.Fatal(err)
	}
	made, err := image.New(t.Context(), image.Options{
		Platform: executable.Platform{OS: "linux", Arch: arch}, Executable: "program", Time: time.Unix(0, 0),
		Files: []image.File{{Name: "program", Executable: true, Open: func() (*os.File, error) { return os.Open(program) }}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := image.Write(t.Context(), &archive, "", made); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "shell_v1.0.0_linux_"+arch+".ptar")
	packed := ptartest.Kpkg(t, []ptartest.File{{Path: "manifest.yaml", Mode: 0o644, Content: []byte("name: shell\ndisplay_name: Shell\n" +
		"description: is in an image\nconnectors:\n- {type: importer, image_id: \"" + made.ID() + "\", protocols: [shell]}\n")}})
	if err := errors.Join(os.WriteFile(path, packed, 0o600), os.WriteFile(image.Beside(path), archive.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, emulator := range []host.Emulator{host.AutoEmulator, host.NoEmulator, "cat"} {
		_, err := host.Open(t.Context(), path, t.TempDir(), host.Building{Emulator: emulator})
		if rejected := (*host.RejectedError)(nil); errors.As(err, &rejected) {
			t.Fatal(rejected.Findings)
		}
		if elsewhere := (*host.ElsewhereError)(nil); !errors.As(err, &elsewhere) {
			t.Errorf("%s: %v", emulator, err)
		}
		wantError(t, err, "it is for linux/"+arch, "its connectors are in images")
	}
}
