package verify_test

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/executable/executabletest"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
	"github.com/PlakarKorp/kpkg/verify"
)

// sampleImage is the archive of an image of a program for one platform, in the image of another, and its ID.
func sampleImage(t *testing.T, reference, of, called string) (path, id string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "importer")
	if err := os.WriteFile(file, executabletest.Program(t, "linux", of), 0o700); err != nil {
		t.Fatal(err)
	}
	made, err := image.New(t.Context(), image.Options{
		Platform: executable.Platform{OS: "linux", Arch: called}, Executable: "importer", Time: time.Unix(0, 0),
		Files: []image.File{{Name: "importer", Executable: true, Open: func() (*os.File, error) { return os.Open(file) }}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := image.Write(t.Context(), &archive, reference, made); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "sample.oci.tar")
	if err := os.WriteFile(path, archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, made.ID()
}

// ofRoot makes another image of an archive, whose user is root: its ID is another one, too.
func ofRoot(t *testing.T, path string) (archive, id string) {
	t.Helper()
	img, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	settings := config.Config
	settings.User = "0:0"
	if img, err = mutate.Config(img, settings); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	written, err := layout.Write(filepath.Join(dir, "layout"), empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := written.AppendImage(img); err != nil {
		t.Fatal(err)
	}
	name, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	out := tar.NewWriter(&packed)
	if err := out.AddFS(os.DirFS(filepath.Join(dir, "layout"))); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	archive = filepath.Join(dir, "root.oci.tar")
	if err := os.WriteFile(archive, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return archive, name.String()
}

// imaged is a package whose connector names an image.
func imaged(t *testing.T, keys string) string {
	t.Helper()
	var files []ptartest.File
	for _, f := range manifestWith(t, "  executable: importer\n", "  "+keys+"\n") {
		if f.Path != "importer" {
			files = append(files, f)
		}
	}
	return write(t, goodName, ptartest.Kpkg(t, files))
}

func images(t *testing.T) {
	archive, id := sampleImage(t, "r.example/x:v1", "amd64", "amd64")
	path := imaged(t, "image_id: "+id+"\n  image: r.example/x:v1")
	report := run(t, path, verify.Options{Image: archive, Client: "next", Strict: true})
	expect(t, report.Findings, finding.Warning, "container", "executables only")
	if len(report.Findings) != 1 || len(report.Executables) != 1 || report.Images.Images[0].ID != id || report.Connectors[0].ImageID != id {
		t.Errorf("%+v", report)
	}
	for _, c := range report.Clients {
		if c.Usable != (c.Name == "next") {
			t.Errorf("%+v", c)
		}
	}
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(image.Beside(path), content, 0o600); err != nil {
		t.Fatal(err)
	}
	if report := run(t, path, verify.Options{}); finding.HasErrors(report.Findings) || report.Images == nil {
		t.Errorf("the one beside the package: %v", report.Findings)
	}
	if err := os.WriteFile(image.Beside(path), content[:len(content)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	report = run(t, path, verify.Options{})
	expect(t, report.Findings, finding.Error, "image-damaged", "")
	expect(t, report.Findings, finding.Error, "container", "")
	expect(t, run(t, imaged(t, "image_id: "+id), verify.Options{}).Findings, finding.Error, "container", "")

	other := "sha256:" + strings.Repeat("0", 64)
	expect(t, run(t, imaged(t, "image_id: "+other), verify.Options{Image: archive}).Findings, finding.Error, "image-differs", "has no image")
	named := imaged(t, "image_id: "+id+"\n  image: r.example/y:v1")
	expect(t, run(t, named, verify.Options{Image: archive}).Findings, finding.Error, "image-differs", "the image is called r.example/x:v1")

	arm, armID := sampleImage(t, "", "arm64", "arm64")
	findings := run(t, imaged(t, "image_id: "+armID), verify.Options{Image: arm}).Findings
	expect(t, findings, finding.Error, "image-differs", "the image is for linux/arm64, the package for linux/amd64")
	wrong, wrongID := sampleImage(t, "", "arm64", "amd64")
	findings = run(t, imaged(t, "image_id: "+wrongID), verify.Options{Image: wrong}).Findings
	expect(t, findings, finding.Error, "executable-platform", "plugin/importer is built for linux/arm64")

	root, rootID := ofRoot(t, archive)
	findings = run(t, imaged(t, "image_id: "+rootID), verify.Options{Image: root}).Findings
	expect(t, findings, finding.Warning, "image-user", "runs as root")
}
