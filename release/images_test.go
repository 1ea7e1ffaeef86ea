package release

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/internal/raced"
)

// begin has a release stopped after its first package, whose path it returns.
func begin(t *testing.T, opts Options) (first string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	opts.Jobs = 1
	opts.Progress = func(step create.Step) {
		if step.Stage == create.Done && first == "" {
			first = step.Package.File
			cancel()
		}
	}
	if _, _, err := Run(ctx, opts); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return first
}

// goOn has a release succeed, and returns how many packages were built for it.
func goOn(t *testing.T, opts Options) (built int, releases []*Release) {
	t.Helper()
	opts.Progress = func(step create.Step) {
		if step.Stage == create.Building {
			built++
		}
	}
	releases, _ = released(t, opts)
	return built, releases
}

// TestImages has images in a release beside the packages: with sums and signatures, in the lists of parts and the provenance, the same each
// time, and taken over from a run that was interrupted, unless they were changed.
func TestImages(t *testing.T) {
	raced.Skip(t, "it builds and packs images for several platforms")
	dir, out := source(t, "one"), filepath.Join(t.TempDir(), "dist")
	gitDo(t, dir, "tag", "one/v1.0.0")
	key, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	opts := options(dir, out, "one")
	opts.Key, opts.Image, opts.ImageReference = key, true, "r.example/one:v1.0.0"
	begin(t, opts)
	built, releases := goOn(t, opts)
	if built != 1 {
		t.Errorf("%d packages were built beside the one that was there", built)
	}
	r := releases[0]
	if len(r.Files) != 10 || len(r.Images) != 2 {
		t.Fatalf("%d files, images %+v", len(r.Files), r.Images)
	}
	trust := Trust{Keys: []*PublicKey{key.Public()}, Require: true}
	for _, f := range r.Files {
		file := filepath.Join(out, f.Name)
		signed, findings, err := trust.Judge(f.Name, Sum{f.Name, f.SHA256}, BesideFile(file))
		if err != nil || signed == nil || finding.HasErrors(findings) {
			t.Errorf("%s: %v, %v", f.Name, findings, err)
		}
	}
	for _, i := range r.Images {
		if !slices.Contains(r.Files, File{i.File, i.Size, i.SHA256}) || len(i.Images) != 1 || i.Images[0].Reference != opts.ImageReference {
			t.Errorf("%+v", i)
		}
		pkg, _ := image.PackageOf(i.File)
		file := filepath.Join(out, pkg)
		for what, wants := range map[string][]string{
			PartsExtension: {
				`"type": "container"`, `"content": "` + i.SHA256, i.Images[0].ID, `"purl": "pkg:golang/std@1.`, `"name": "plugin/program"`,
			},
			ProvenanceExtension: {i.File, i.SHA256, opts.ImageReference, `"-trimpath": "true"`},
		} {
			for _, want := range wants {
				if !strings.Contains(get(t, file+what), want) {
					t.Errorf("%s lacks %s", pkg+what, want)
				}
			}
		}
	}
	for _, f := range r.Findings {
		if strings.Contains(f.File, workSuffix) {
			t.Errorf("a finding is about a place that is no more: %v", f)
		}
	}
	var report bytes.Buffer
	if err := finding.Write(&report, "json", Report(releases, Written, nil)); err != nil || !strings.Contains(report.String(), `"image_id": "sha256:`) {
		t.Errorf("%v, %s", err, report.String())
	}
	sum, err := SumFile(t.Context(), filepath.Join(out, "one_v1.0.0_linux_amd64.ptar"))
	if err != nil {
		t.Fatal(err)
	}
	if differences, err := create.Rebuild(t.Context(), filepath.Join(dir, "one"), filepath.Join(out, sum.Name), sum.SHA256); err != nil || len(differences) > 0 {
		t.Errorf("made again: %v, %v", differences, err)
	}

	// What is not as the run before has left it is made again, and comes out the same.
	again := opts
	again.OutDir = filepath.Join(t.TempDir(), "dist")
	archive := image.Beside(begin(t, again))
	content := []byte(get(t, archive))
	content[len(content)/2] ^= 1
	put(t, archive, string(content))
	if built, _ := goOn(t, again); built != 2 {
		t.Errorf("%d packages were built beside images that were changed", built)
	}
	if same, err := sameTree(t.Context(), out, again.OutDir); !same || err != nil {
		t.Errorf("the two releases differ: %v", err)
	}

	// Without a name it is another release, and nothing of the one before is used.
	again.OutDir = filepath.Join(t.TempDir(), "dist")
	first := begin(t, again)
	again.ImageReference = ""
	if built, releases := goOn(t, again); built != 2 || releases[0].Images[0].Images[0].Reference != "" {
		t.Errorf("%d packages were built of another release", built)
	}
	if get(t, filepath.Join(out, filepath.Base(first))) == get(t, filepath.Join(again.OutDir, filepath.Base(first))) {
		t.Error("a package with the name of an image and one without are the same: the test tells nothing")
	}
	if _, err := os.Stat(again.OutDir + workSuffix); err == nil {
		t.Error("the folder of the work is still there")
	}

	// One name is for the images of one integration.
	again.Manifests, again.ImageReference = append(again.Manifests, filepath.Join(dir, "one")), opts.ImageReference
	if _, _, err := Run(t.Context(), again); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "the images of 2 integrations") {
		t.Error(err)
	}
}
