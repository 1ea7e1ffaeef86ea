package shard

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/create"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Part{
		"1/1": {1, 1}, "1/4": {1, 4}, "4/4": {4, 4}, "12/100": {12, 100},
		"": {}, "1": {}, "/": {}, "0/4": {}, "5/4": {}, "-1/4": {}, "1/0": {}, "0/0": {}, "1/-1": {}, "01/4": {}, "1/4 ": {}, "1/4/4": {},
		"a/b": {}, "1/100001": {}, "AUTO": {},
	} {
		got, err := Parse(text)
		if (err == nil) != (want != Part{}) || err == nil && got != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
		if err != nil && !errors.Is(err, ErrPart) {
			t.Errorf("%q: %v is not about parts", text, err)
		}
	}
}

// TestFind holds what is made of the variables of engines: the part and what says so, or why there is none.
func TestFind(t *testing.T) {
	slurm := func(id, count, first, last string) string {
		return "SLURM_ARRAY_TASK_ID=" + id + " SLURM_ARRAY_TASK_COUNT=" + count + " SLURM_ARRAY_TASK_MIN=" + first + " SLURM_ARRAY_TASK_MAX=" + last
	}
	for environment, want := range map[string]string{
		slurm("0", "8", "0", "7"): "1/8 Slurm, SLURM_ARRAY_TASK_ID=0", slurm("7", "8", "0", "7"): "8/8 Slurm, SLURM_ARRAY_TASK_ID=7",
		slurm("1", "4", "1", "4"): "1/4 Slurm, SLURM_ARRAY_TASK_ID=1", slurm("4", "4", "1", "4"): "4/4 Slurm, SLURM_ARRAY_TASK_ID=4",
		slurm("3", "1", "3", "3"):                  "count from 0 or 1 without gaps",
		slurm("3", "2", "0", "3"):                  "count from 0 or 1 without gaps",
		slurm("20", "3", "10", "30"):               "count from 0 or 1 without gaps",
		slurm("9", "4", "0", "3"):                  "the parts are 1 to 4",
		"SLURM_ARRAY_TASK_ID=0":                    "SLURM_ARRAY_TASK_COUNT of Slurm is not set",
		slurm("x", "4", "0", "3"):                  `SLURM_ARRAY_TASK_ID of Slurm is "x"`,
		"JOB_COMPLETION_INDEX=0 JOB_COMPLETIONS=3": "1/3 Kubernetes, JOB_COMPLETION_INDEX=0",
		"JOB_COMPLETION_INDEX=2 JOB_COMPLETIONS=3": "3/3 Kubernetes, JOB_COMPLETION_INDEX=2",
		"JOB_COMPLETION_INDEX=3 JOB_COMPLETIONS=3": "the parts are 1 to 3",
		"JOB_COMPLETION_INDEX=2":                   "set it in the pod's env to the job's completions",
		"CI_NODE_INDEX=1 CI_NODE_TOTAL=2":          "1/2 GitLab, CI_NODE_INDEX=1",
		"CI_NODE_INDEX=2 CI_NODE_TOTAL=2":          "2/2 GitLab, CI_NODE_INDEX=2",
		"CI_NODE_INDEX=0 CI_NODE_TOTAL=2":          "the parts are 1 to 2",
		"CI_NODE_TOTAL=1":                          "finds no engine", // as in GitLab's jobs that are not parallel
		"":                                         "there is no SLURM_ARRAY_TASK_ID of Slurm, JOB_COMPLETION_INDEX of Kubernetes, CI_NODE_INDEX of GitLab",
		"CI_NODE_INDEX=2 CI_NODE_TOTAL=2 " + slurm("1", "2", "0", "1"): "2/2 Slurm, SLURM_ARRAY_TASK_ID=1",
		"CI_NODE_INDEX=1 CI_NODE_TOTAL=2 " + slurm("1", "2", "0", "1"): "two engines give this job a part",
	} {
		set := map[string]string{}
		for _, one := range strings.Fields(environment) {
			name, value, _ := strings.Cut(one, "=")
			set[name] = value
		}
		part, from, err := Find(Auto, func(name string) string { return set[name] })
		got := fmt.Sprintf("%s %s", part, from)
		if err != nil {
			got = err.Error()
			if !errors.Is(err, ErrPart) || part != (Part{}) {
				t.Errorf("%s: %v, %v", environment, part, err)
			}
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s", environment, got)
		}
	}
	if part, from, err := Find("2/3", func(string) string { return "1" }); part != (Part{2, 3}) || from != "" || err != nil {
		t.Error(part, from, err)
	}
}

// TestPlan holds that every integration is in one part, that a plan does not depend on the order of what it is made of, and that its
// hash changes with all that it says.
func TestPlan(t *testing.T) {
	units := []Unit{{Name: "a", Weight: 5}, {Name: "b", Weight: 4}, {Name: "c", Weight: 3}, {Name: "d", Weight: 3}, {Name: "e", Weight: 3}}
	plan, err := New(units, 2, "v1")
	if err != nil {
		t.Fatal(err)
	}
	names := func(p *Plan, part int) string {
		return strings.Join((&Job{Part: Part{part, p.Count}, Plan: p}).Names(), " ")
	}
	if names(plan, 1) != "a d" || names(plan, 2) != "b c e" {
		t.Errorf("the parts are %q and %q", names(plan, 1), names(plan, 2))
	}
	other := slices.Clone(units)
	slices.Reverse(other)
	again, err := New(other, 2, "v1")
	if err != nil || again.Hash() != plan.Hash() || !strings.HasPrefix(plan.Hash(), "sha256:") || len(plan.Hash()) != 71 {
		t.Errorf("%s is not %s, %v", again.Hash(), plan.Hash(), err)
	}
	seen := map[string]bool{plan.Hash(): true}
	for _, change := range []func(u *Unit, count *int, maker *string){
		func(_ *Unit, count *int, _ *string) { *count = 3 }, func(_ *Unit, _ *int, maker *string) { *maker = "v2" },
		func(u *Unit, _ *int, _ *string) { u.Version = "v1.0.0" }, func(u *Unit, _ *int, _ *string) { u.Commit = "abc" },
		func(u *Unit, _ *int, _ *string) { u.Platforms = []string{"linux/amd64"} }, func(u *Unit, _ *int, _ *string) { u.Weight = 6 },
	} {
		one, count, maker := slices.Clone(units), 2, "v1"
		change(&one[0], &count, &maker)
		p, err := New(one, count, maker)
		if err != nil || seen[p.Hash()] {
			t.Errorf("%v has the hash of another plan, %v", p, err)
		}
		seen[p.Hash()] = true
	}
	if empty, err := New(units[:1], 3, ""); err != nil || len(empty.Of(3)) != 0 || len(empty.Of(1)) != 1 {
		t.Errorf("of one integration: %v, %v", empty, err)
	}
	if _, err := New([]Unit{{Name: "a"}, {Name: "a"}}, 2, ""); !errors.Is(err, create.ErrOptions) {
		t.Error(err)
	}
}

// TestWeights holds what files of weights may say, and what weighs what they do not name.
func TestWeights(t *testing.T) {
	file := filepath.Join(t.TempDir(), "weights.yaml")
	read := func(text string) (Weights, error) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return ReadWeights(file)
	}
	for _, text := range []string{"a: 12.5\nb: 3\n", `{"a": 12.5, "b": 3}`} {
		w, err := read(text)
		if err != nil || w.of("b", 1) != 3 || w.of("unknown", 1) != 12.5 {
			t.Errorf("%v, %v", w, err)
		}
	}
	for _, text := range []string{"", "a: 0\n", "a: -1\n", "a: .nan\n", "a: .inf\n", "a: x\n", "- a\n", "a: {}\n"} {
		if w, err := read(text); err == nil {
			t.Errorf("%q is taken for %v", text, w)
		}
	}
	long := "a: 1\n" + strings.Repeat("#\n", maxWeights/2)
	if _, err := read(long); err == nil || !strings.Contains(err.Error(), "is larger than") || strings.Contains(err.Error(), "%!") {
		t.Errorf("of a file that is too long: %v", err)
	}
	if (Weights)(nil).of("a", 7) != 7 {
		t.Error("without weights the default does not count")
	}
}

// TestIntegrations holds what integrations weigh by themselves, and that one that cannot be made is in the plan too.
func TestIntegrations(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module m\n\ngo 1.26\n\nrequire (\n\texample.org/a v1.0.0\n\texample.org/b v1.0.0 // indirect\n)\n",
		"x/manifest.yaml": "name: x\ndisplay_name: X\ndescription: of x\nconnectors:\n- {type: importer, executable: xImporter, protocols: [xx]}\n" +
			"build: {platforms: [windows/amd64, linux/amd64]}\n",
		"x/plugin/importer/main.go": "package main\n\nfunc main() {}\n",
		"bad/manifest.yaml":         "name: bad\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	// In no module: a go.mod in the folder for temporary files is none.
	temporary := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP"} { // TMP is that of Windows
		t.Setenv(name, temporary)
	}
	alone := filepath.Join(temporary, "alone")
	if err := errors.Join(os.CopyFS(temporary, os.DirFS(dir)), os.Rename(filepath.Join(temporary, "x"), alone)); err != nil {
		t.Fatal(err)
	}
	paths := []string{filepath.Join(dir, "x"), filepath.Join(dir, "bad"), filepath.Join(dir, "nowhere"), alone}
	units, err := Integrations(t.Context(), create.Options{Manifests: paths, Version: "v1.0.0", All: true}, nil)
	if err != nil || len(units) != 4 {
		t.Fatal(units, err)
	}
	x, bad, nowhere := units[0], units[1], units[2]
	if units[3].Weight != 1 {
		t.Errorf("one in no module is %+v", units[3])
	}
	if x.Name != "x" || x.Version != "v1.0.0" || x.Weight != 3 || !slices.Equal(x.Platforms, []string{"linux/amd64", "windows/amd64"}) {
		t.Errorf("x is %+v", x)
	}
	if bad.Name != "bad" || bad.Platforms != nil || nowhere.Name != filepath.ToSlash(paths[2]) || !slices.Equal(nowhere.Paths, paths[2:3]) {
		t.Errorf("the others are %+v and %+v", bad, nowhere)
	}
}

func TestPackages(t *testing.T) {
	units := Packages([]string{"dist/s3_v1.0.0_linux_amd64.ptar", "dist/ftp_v1.0.0_linux_amd64.ptar", "dist/s3_v1.0.0_windows_amd64.ptar", "x.ptar"}, nil)
	var said []string
	for _, u := range units {
		said = append(said, fmt.Sprint(u.Name, u.Weight))
	}
	if !slices.Equal(said, []string{"s32", "ftp1", "x.ptar1"}) {
		t.Error(said)
	}
}
