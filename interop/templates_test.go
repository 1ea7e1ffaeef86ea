package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	batch "k8s.io/api/batch/v1"
	"sigs.k8s.io/yaml"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// template reads one of the files of docs/ci.
func template(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(rig.Root(), "docs", "ci", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestKubernetesTemplate decodes the job of docs/ci/kubernetes.yaml as Kubernetes does, and holds what it tells its pods to what it is.
func TestKubernetesTemplate(t *testing.T) {
	text := template(t, "kubernetes.yaml")
	var job batch.Job
	if err := yaml.UnmarshalStrict([]byte(text), &job); err != nil {
		t.Fatal(err)
	}
	spec := job.Spec
	if job.Kind != "Job" || spec.CompletionMode == nil || *spec.CompletionMode != batch.IndexedCompletion || spec.Completions == nil {
		t.Fatalf("it is no Indexed Job: %+v", job)
	}
	told := ""
	for _, variable := range spec.Template.Spec.Containers[0].Env {
		if variable.Name == "JOB_COMPLETIONS" {
			told = variable.Value
		}
	}
	if told != "8" || *spec.Completions != 8 {
		t.Errorf("pods are told of %s, and there are %d", told, *spec.Completions)
	}
	// The test can fail.
	if err := yaml.UnmarshalStrict([]byte(strings.Replace(text, "completions:", "completion:", 1)), &job); err == nil {
		t.Error("a field that does not exist is taken")
	}
}

// TestGitHubTemplate holds docs/ci/github.yml to actionlint.
func TestGitHubTemplate(t *testing.T) {
	lint, root := newLinter(t)
	if found := lint(filepath.Join(root, ".github", "workflows", "release.yml"), template(t, "github.yml")); found != "" {
		t.Error(found)
	}
}
