package shard

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/raced"
	"github.com/PlakarKorp/kpkg/internal/scratch"
	"github.com/PlakarKorp/kpkg/oci"
	"github.com/PlakarKorp/kpkg/oci/ocitest"
	"github.com/PlakarKorp/kpkg/release"
)

func write(t *testing.T, text string, at ...string) {
	t.Helper()
	file := filepath.Join(at...)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o755)); err != nil {
		t.Fatal(err)
	}
}

// published makes a release in one part, publishes it ahead of its version, and returns how it is finished.
func published(t *testing.T, r *ocitest.Registry, at oci.Address, dir string) FinishOptions {
	t.Helper()
	write(t, "name: x\ndisplay_name: X\ndescription: of x\nlicense: ISC\nconnectors:\n- {type: importer, executable: run, protocols: [xx]}\n"+
		"build: {platforms: [linux/amd64, linux/arm64]}\n", dir, "x", "manifest.yaml")
	for _, name := range []string{"run", "README.md", "LICENSE"} {
		write(t, "#!/bin/sh\n", dir, "x", name)
	}
	all := create.Options{Manifests: []string{filepath.Join(dir, "x")}, Version: "v1.0.0", All: true, Force: true}
	units, err := Integrations(t.Context(), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := New(units, 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	job := &Job{Part: Part{1, 1}, Plan: plan}
	releases, outcome, err := release.Run(t.Context(), job.Release(release.Options{
		Version: "v1.0.0", OutDir: filepath.Join(dir, "parts"), Repository: "https://example.org/x", Allow: []string{"release-commit"},
		SkipTest: []string{"importer:xx"}, Maker: "test", Compression: "gzip",
	}))
	if err != nil || outcome != release.Written {
		t.Fatal(outcome, err, releases[0].Err, releases[0].Findings)
	}
	opts := FinishOptions{Integrations: all, Maker: "test", OutDir: filepath.Join(dir, "dist"), Access: oci.Access{Client: r.Client}}
	republish(t, at, filepath.Join(dir, "parts", "part-1-of-1"), opts.Access)
	return opts
}

func republish(t *testing.T, at oci.Address, part string, access oci.Access) {
	t.Helper()
	if _, err := Publish(t.Context(), part, at, oci.PublishOptions{Access: access}); err != nil {
		t.Fatal(err)
	}
}

// TestFinishAgain goes on with what was fetched by a run that failed, has no stray and no former file in the release, and touches no
// folder of the user's.
func TestFinishAgain(t *testing.T) {
	dir, r := t.TempDir(), ocitest.New(t)
	address := oci.Scheme + r.Host + "/acme/x"
	at, err := oci.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	opts := published(t, r, at, dir)
	write(t, "mine", dir, "dist.parts", "mine")
	kept := filepath.Join(dir, ".dist.parts")

	// It fails, as there is something else under the name of the release.
	write(t, "other", dir, "dist", "other")
	if f, err := Finish(t.Context(), address, opts); err == nil || !strings.Contains(err.Error(), "holds other files than this release") {
		t.Fatal(f, err)
	}
	fetched := filepath.Join(kept, fetchedName, "part-1-of-1")
	if _, err := os.Stat(filepath.Join(fetched, "x", "x_v1.0.0_linux_amd64.ptar")); err != nil {
		t.Fatal("nothing was kept: the test tells nothing:", err)
	}
	if err := os.RemoveAll(opts.OutDir); err != nil {
		t.Fatal(err)
	}

	// The notes are others now, and what was fetched has files of another plan.
	notes := filepath.Join(dir, "parts", "part-1-of-1", "x", release.NotesName)
	write(t, "# x v1.0.0\n\nOther notes.\n", notes)
	if err := os.Remove(notes + release.SumExtension); err != nil {
		t.Fatal(err)
	}
	if _, err := release.WriteSum(t.Context(), notes); err != nil {
		t.Fatal(err)
	}
	republish(t, at, filepath.Join(dir, "parts", "part-1-of-1"), opts.Access)
	write(t, "x", fetched, "x", "x_v0.9.0_linux_amd64.ptar")
	write(t, "x", fetched, "y", "recipe.yaml")
	write(t, "x", kept, fetchedName, "part-1-of-2", "part.json")

	// Another run is about it.
	other, err := scratch.Keep(kept)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := Finish(t.Context(), address, opts); err == nil || !strings.Contains(err.Error(), "another run is putting") {
		t.Error(f, err)
	}
	other.Close()

	var names []string
	opts.Progress = func(doing, name string, _ int64) {
		if doing == "fetching" {
			names = append(names, name)
		}
	}
	f, err := Finish(t.Context(), address, opts)
	if err != nil || f.Outcome != release.Written || f.Releases[0].Err != nil || finding.HasErrors(f.Releases[0].Findings) || len(f.Pushed) != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	if strings.Join(names, " ") != release.NotesName {
		t.Errorf("%q were fetched again", names)
	}
	if data, err := os.ReadFile(filepath.Join(opts.OutDir, release.NotesName)); err != nil || !strings.Contains(string(data), "Other notes.") {
		t.Errorf("%q, %v", data, err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "dist.parts", "mine")); err != nil || string(data) != "mine" {
		t.Errorf("a folder of the user's: %q, %v", data, err)
	}
	if _, err := os.Lstat(kept); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was fetched is still there: %v", err)
	}
}

// TestFinishImages puts together parts with images: they are under their names once the version is there, and not before.
func TestFinishImages(t *testing.T) {
	raced.Skip(t, "it builds images")
	dir, r := t.TempDir(), ocitest.New(t)
	write(t, "name: x\ndisplay_name: X\ndescription: of x\nlicense: ISC\nconnectors:\n- {type: importer, executable: run, protocols: [xx]}\n"+
		"build: {platforms: [linux/amd64], packages: {run: ./main}}\n", dir, "x", "manifest.yaml")
	write(t, "module example.org/x\n\ngo 1.26\n", dir, "x", "go.mod")
	write(t, "package main\n\nfunc main() {}\n", dir, "x", "main", "main.go")
	write(t, "# X\n", dir, "x", "README.md")
	write(t, "ISC\n", dir, "x", "LICENSE")
	all := create.Options{
		Manifests: []string{filepath.Join(dir, "x")}, Version: "v1.0.0", All: true, Force: true,
		Image: true, ImageReference: r.Host + "/acme/images/x:v1.0.0",
	}
	units, err := Integrations(t.Context(), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := New(units, 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	job := &Job{Part: Part{1, 1}, Plan: plan}
	releases, outcome, err := release.Run(t.Context(), job.Release(release.Options{
		Version: "v1.0.0", OutDir: filepath.Join(dir, "parts"), Repository: "https://example.org/x", Allow: []string{"release-commit"},
		SkipTest: []string{"importer:xx"}, Maker: "test", Compression: "gzip", Image: true, ImageReference: all.ImageReference,
	}))
	if err != nil || outcome != release.Written {
		t.Fatal(outcome, err, releases[0].Err, releases[0].Findings)
	}
	address := oci.Scheme + r.Host + "/acme/x"
	at, err := oci.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	opts := FinishOptions{Integrations: all, Maker: "test", OutDir: filepath.Join(dir, "dist"), Access: oci.Access{Client: r.Client}}
	republish(t, at, filepath.Join(dir, "parts", "part-1-of-1"), opts.Access)
	if _, there := r.Tags["acme/images/x:v1.0.0"]; there {
		t.Error("the image has its name before its version is there")
	}
	without := opts
	without.Integrations.Image, without.Integrations.ImageReference = false, ""
	if f, err := Finish(t.Context(), address, without); err == nil || !strings.Contains(err.Error(), "x has images of the name "+all.ImageReference+" in it, and no images here") {
		t.Error(f, err)
	}
	f, err := Finish(t.Context(), address, opts)
	if err != nil || f.Outcome != release.Written || f.Releases[0].Err != nil || len(f.Pushed) != 1 || len(f.Pushed[0].Images) != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	if digest := f.Pushed[0].Images[0].Digest; r.Tags["acme/images/x:v1.0.0"] != digest {
		t.Errorf("the image %s is there as %s", digest, r.Tags["acme/images/x:v1.0.0"])
	}
	if i := f.Releases[0].Images; len(i) != 1 || i[0].Images[0].Reference != all.ImageReference {
		t.Errorf("the report has %+v", i)
	}
	for _, extension := range []string{"", release.SumExtension} {
		if _, err := os.Stat(filepath.Join(opts.OutDir, "x_v1.0.0_linux_amd64.oci.tar"+extension)); err != nil {
			t.Error(err)
		}
	}
	if f, err = Finish(t.Context(), address, opts); err != nil || f.Outcome != release.Unchanged || f.Pushed[0].What != oci.Unchanged {
		t.Errorf("again: %+v, %v", f, err)
	}
}

// TestFinishKeepsForeign fetches nothing into a folder that kpkg has not made.
func TestFinishKeepsForeign(t *testing.T) {
	dir, r := t.TempDir(), ocitest.New(t)
	write(t, "mine", dir, ".dist.parts", "mine")
	write(t, "name: x\n", dir, "x", "manifest.yaml")
	opts := FinishOptions{
		Integrations: create.Options{Manifests: []string{filepath.Join(dir, "x")}, Version: "v1.0.0", All: true},
		OutDir:       filepath.Join(dir, "dist"), Access: oci.Access{Client: r.Client},
	}
	if f, err := Finish(t.Context(), oci.Scheme+r.Host+"/acme/x", opts); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Error(f, err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".dist.parts", "mine")); err != nil {
		t.Error(err)
	}
}

// TestRecord refuses what is no record of a part, and what would take more memory than its bytes say.
func TestRecord(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "it is no record of a part",
		"[]":                    "it is no record of a part",
		"{}":                    "it is no record of a part: ",
		`{"index": 1}`:          "there are no parts",
		`{"index":1,"count":1}`: "it is no record of a part of a plan: it has none",
		`{"index":2,"count":1}`: "the parts are 1 to 1",
		`{"index":1,"count":1,"plan":{"count":1}}`:                                               "its plan is not the one of its hash",
		`{"index":1,"count":1,"plan":{"integrations":[` + strings.Repeat("{},", 1<<20) + `{}]}}`: "it holds too many values",
	} {
		r, err := readRecord([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "%!") {
			t.Errorf("%.60s: %v, %v", text, r, err)
		}
	}
}
