package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/PlakarKorp/kpkg/internal/raced"
)

// action is action.yml as GitHub's runner reads it.
type action struct {
	Inputs map[string]struct{ Default string }
	Runs   struct{ Steps []actionStep }
}

type actionStep struct {
	Name, If, Uses, Shell, Run string
	Env, With                  map[string]string
}

func readAction(t *testing.T) action {
	t.Helper()
	var a action
	readYAML(t, "action.yml", &a)
	return a
}

// readYAML reads a file of the tree.
func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(treeRoot(t), filepath.FromSlash(name)))
	if err == nil {
		err = yaml.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// machine is where a CI runs its steps: a tree of kpkg, and an integration beside it.
type machine struct {
	kpkg, integration, temporary string
	env                          []string
}

// newMachine has the integration examples/fs/one, but for its importer without its connectors, so that testing it is quick.
func newMachine(t *testing.T) *machine {
	t.Helper()
	fetchModules(t, filepath.Join(treeRoot(t), "examples"))
	dir := t.TempDir()
	m := &machine{kpkg: filepath.Join(dir, "kpkg"), temporary: filepath.Join(dir, "tmp")}
	m.integration = filepath.Join(m.kpkg, "examples", "fs", "one")
	copyTree(t, treeRoot(t), m.kpkg)
	if err := os.Mkdir(m.temporary, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(m.integration, "manifest.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var manifest map[string]any
	if err := yaml.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	manifest["connectors"] = manifest["connectors"].([]any)[:1]
	if data, err = yaml.Marshal(manifest); err == nil {
		err = os.WriteFile(file, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	m.env = []string{
		"HOME=" + m.temporary, "TMPDIR=" + m.temporary, "GOPATH=" + filepath.Join(dir, "go"), "GOTOOLCHAIN=local",
		// What other tests have compiled is not compiled once more.
		"GOFLAGS=-buildvcs=false -trimpath", "CGO_ENABLED=0",
		"GIT_CEILING_DIRECTORIES=" + dir, "CI=true",
	}
	turnTelemetryOff(t, filepath.Join(m.temporary, ".config"))
	for name, value := range goEnv(t, "GOROOT", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB") {
		m.env = append(m.env, name+"="+value)
	}
	return m
}

// bash runs a script as runners do, in the folder of the integration.
func (m *machine) bash(t *testing.T, script string, env ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script.sh")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-e", "-o", "pipefail", file)
	run.Dir, run.Env = m.integration, append(slices.Clone(m.env), env...)
	out, err := run.CombinedOutput()
	return string(out), err
}

// actionRun is what became of an action's steps.
type actionRun struct {
	out      string
	failed   string            // the name of the step that failed
	uploaded map[string]string // what upload-artifact is given
}

// act runs the steps of an action as GitHub's runner does. Steps that use other actions are only noted.
func (m *machine) act(t *testing.T, a action, inputs map[string]string) actionRun {
	t.Helper()
	values := map[string]string{"github.action_path": m.kpkg}
	for name, input := range a.Inputs {
		values["inputs."+name] = input.Default
	}
	for name, value := range inputs {
		if _, known := values["inputs."+name]; !known {
			t.Fatalf("the action has no input %s", name)
		}
		values["inputs."+name] = value
	}
	expand := func(text string) string {
		return regexp.MustCompile(`\$\{\{ ([a-z_.-]+) \}\}`).ReplaceAllStringFunc(text, func(expression string) string {
			value, known := values[strings.TrimSpace(strings.Trim(expression, "${}"))]
			if !known {
				t.Errorf("nothing is known of %s", expression)
			}
			return value
		})
	}
	var result actionRun
	added := filepath.Join(m.temporary, "path")
	path := os.Getenv("PATH")
	for _, step := range a.Runs.Steps {
		if condition := strings.Fields(step.If); len(condition) == 3 {
			value, is := values[condition[0]], strings.Trim(condition[2], "'")
			if (value == is) != (condition[1] == "==") {
				continue
			}
		} else if step.If != "" {
			t.Fatalf("if: %s", step.If)
		}
		if strings.HasPrefix(step.Uses, "actions/upload-artifact@") {
			result.uploaded = map[string]string{}
			for name, value := range step.With {
				result.uploaded[name] = expand(value)
			}
		}
		if step.Run == "" {
			continue
		}
		if step.Shell != "bash" || strings.Contains(step.Run, "${{") {
			t.Errorf("step %s: a shell reads what others have written: %s", step.Name, step.Run)
		}
		env := []string{"PATH=" + path, "GITHUB_ACTION_PATH=" + m.kpkg, "GITHUB_PATH=" + added, "RUNNER_TEMP=" + m.temporary}
		for name, value := range step.Env {
			env = append(env, name+"="+expand(value))
		}
		out, err := m.bash(t, step.Run, env...)
		result.out += out
		if err != nil {
			result.failed = step.Name
			return result
		}
		if lines, err := os.ReadFile(added); err == nil {
			path = strings.Join(strings.Fields(string(lines)), ":") + ":" + os.Getenv("PATH")
		}
	}
	return result
}

// TestAction runs action.yml on an integration, with all that it does, and on one with errors.
func TestAction(t *testing.T) {
	raced.Skip(t, "other programs do the work")
	t.Parallel()
	m, a := newMachine(t), readAction(t)
	platform := runtime.GOOS + "/" + runtime.GOARCH
	result := m.act(t, a, map[string]string{"version": "v1.2.3", "platform": platform, "out-dir": "made here"})
	if result.failed != "" || !strings.Contains(result.out, "ok  fs-one v1.2.3 ") || !strings.Contains(result.out, "kpkg test: 1 info") {
		t.Fatalf("failed at %q:\n%s", result.failed, result.out)
	}
	made := filepath.Join("made here", "fs-one_v1.2.3_"+strings.ReplaceAll(platform, "/", "_")+".ptar")
	found, err := filepath.Glob(filepath.Join(m.integration, result.uploaded["path"]))
	if err != nil || !slices.Equal(found, []string{filepath.Join(m.integration, made)}) || result.uploaded["name"] != "packages" {
		t.Errorf("uploaded are %q, %v, as %q", found, err, result.uploaded)
	}

	// A version is what it says, whatever a shell would make of it.
	for _, version := range []string{"$(touch owned)", "v1.0.0; touch owned", "--help"} {
		hostile := m.act(t, a, map[string]string{"version": version, "platform": platform, "test": "false", "artifact": ""})
		if _, err := os.Stat(filepath.Join(m.integration, "owned")); err == nil || hostile.failed != "Create" && hostile.failed != "Verify" {
			t.Errorf("%s: failed at %q:\n%s", version, hostile.failed, hostile.out)
		}
	}

	bad := filepath.Join(m.integration, "manifest.yaml")
	if err := os.WriteFile(bad, []byte("name: fs-one\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	result = m.act(t, a, map[string]string{"version": "v1.2.3"})
	if result.failed != "Validate" || !strings.Contains(result.out, "::error file=") || result.uploaded != nil {
		t.Errorf("failed at %q:\n%s", result.failed, result.out)
	}
}

// TestGitLabTemplate runs the job of templates/kpkg.yml, with a clone of this tree in the place of that on GitHub.
func TestGitLabTemplate(t *testing.T) {
	raced.Skip(t, "other programs do the work")
	t.Parallel()
	var template struct {
		Kpkg struct {
			Image        string
			Variables    map[string]string
			BeforeScript []string `yaml:"before_script"`
			Script       []string
			Artifacts    struct {
				Paths   []string
				Reports map[string]string
			}
		}
	}
	readYAML(t, "templates/kpkg.yml", &template)
	job, m := template.Kpkg, newMachine(t)
	ignored := filepath.Join(m.integration, ".gitignore") // as authors' trees have it
	if err := os.WriteFile(ignored, []byte("dist\nkpkg-test.xml\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	script := `git -C "$KPKG" init -q -b main && git -C "$KPKG" add . && git -C "$KPKG" -c user.name=a -c user.email=a@example.org commit -qm all
git -C "$KPKG" tag fs-one/v1.2.3
` + strings.Join(append(job.BeforeScript, job.Script...), "\n")
	platform := runtime.GOOS + "/" + runtime.GOARCH
	env := []string{
		"PATH=" + os.Getenv("PATH"), "KPKG=" + m.kpkg, "CI_PROJECT_DIR=" + m.integration,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url." + m.kpkg + ".insteadOf", "GIT_CONFIG_VALUE_0=https://github.com/PlakarKorp/kpkg",
	}
	job.Variables["KPKG_PLATFORM"] = platform // what an author sets
	for name, value := range job.Variables {
		env = append(env, name+"="+value)
	}
	out, err := m.bash(t, script, env...)
	if err != nil || !strings.Contains(out, "ok  fs-one v1.2.3 ") {
		t.Fatalf("%v\n%s", err, out)
	}
	kept, err := filepath.Glob(filepath.Join(m.integration, job.Artifacts.Paths[0]))
	if err != nil || len(kept) != 1 {
		t.Errorf("kept are %q, %v", kept, err)
	}
	results, err := os.ReadFile(filepath.Join(m.integration, job.Artifacts.Reports["junit"]))
	if err != nil || !bytes.HasPrefix(results, []byte("<?xml")) || !bytes.Contains(results, []byte("plugin-starts")) {
		t.Errorf("the results of tests are %.100q, %v", results, err)
	}
}

// TestTemplates parses the commands in the files of docs/ci, each of which kpkg's command line must take. That they are what Slurm,
// Kubernetes and GitHub want is tested in interop/.
func TestTemplates(t *testing.T) {
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(treeRoot(t), "docs", "ci", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if err := checkGitLab(t, read("gitlab.yml")); err != nil {
		t.Error(err)
	}
	var job struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct{ Command []string }
				}
			}
		}
	}
	var workflow struct {
		Jobs map[string]struct{ Steps []struct{ Run string } }
	}
	readYAML(t, "docs/ci/kubernetes.yaml", &job)
	readYAML(t, "docs/ci/github.yml", &workflow)
	scripts := []string{read("slurm.sh"), job.Spec.Template.Spec.Containers[0].Command[2]}
	for _, name := range slices.Sorted(maps.Keys(workflow.Jobs)) {
		for _, step := range workflow.Jobs[name].Steps {
			scripts = append(scripts, step.Run)
		}
	}
	for _, script := range scripts {
		if err := checkShell(script); err != nil {
			t.Errorf("%s\n%v", script, err)
		}
	}
	if err := checkShell("kpkg release a --shards auto"); err == nil {
		t.Error("a flag that does not exist is taken")
	}
}

// TestPreCommitHook has the hook's command look at the files that the hook is for.
func TestPreCommitHook(t *testing.T) {
	var hooks []struct{ ID, Name, Entry, Language, Files string }
	readYAML(t, ".pre-commit-hooks.yaml", &hooks)
	if len(hooks) != 1 {
		t.Fatalf("the hooks are %v", hooks)
	}
	hook := hooks[0]
	files := regexp.MustCompile(hook.Files)
	root := treeRoot(t)
	for name, status := range map[string]int{
		"examples/ftp/manifest.yaml": exitOK, "testdata/manifests/bad/name.yaml": -1, "manifest.yaml": exitFailed, "docs/manifest.md": -1,
	} {
		if files.MatchString(name) != (status >= 0) {
			t.Errorf("the hook is wrong about %s", name)
		}
		if status < 0 {
			continue
		}
		run := exec.CommandContext(t.Context(), "sh", "-c", hook.Entry+` "$@"`, hook.Entry, name)
		run.Dir = root
		out, err := run.CombinedOutput()
		if code := run.ProcessState.ExitCode(); code != status {
			t.Errorf("%s: status %d, %v\n%s", name, code, err, out)
		}
	}
}

// gitlabWords are the keys at the top of a pipeline that are no jobs.
var gitlabWords = []string{"include", "stages", "variables", "default", "workflow", "image"}

// checkGitLab looks at the commands of a pipeline of GitLab's, at what it includes from here, and at what it changes of that.
func checkGitLab(t *testing.T, text string) error {
	var pipeline map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(text), &pipeline); err != nil {
		return err
	}
	var template map[string]struct{ Variables map[string]string }
	for _, included := range regexp.MustCompile(`PlakarKorp/kpkg/main/([^"'\s]+)`).FindAllStringSubmatch(text, -1) {
		readYAML(t, included[1], &template)
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(pipeline)) {
		node := pipeline[name]
		if slices.Contains(gitlabWords, name) {
			continue
		}
		var job struct {
			Script    []string
			Variables map[string]string
		}
		if err := node.Decode(&job); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for variable := range job.Variables {
			if _, known := template[name].Variables[variable]; !known && template != nil {
				problems = append(problems, fmt.Errorf("%s: the template knows no %s", name, variable))
			}
		}
		problems = append(problems, checkShell(strings.Join(job.Script, "\n")))
	}
	return errors.Join(problems...)
}
