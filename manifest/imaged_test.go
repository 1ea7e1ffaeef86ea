package manifest

import (
	"strings"
	"testing"
)

// TestImaged replaces executables in every form that YAML has for them, and nothing else.
func TestImaged(t *testing.T) {
	const id = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	for _, test := range []struct{ name, manifest, reference, want string }{
		{"block", "name: x\nconnectors:\n- type: importer\n  executable: ./a # the importer\n  args: [importer]\n", "",
			"name: x\nconnectors:\n- type: importer\n  image_id: \"ID\" # the importer\n  args: [importer]\n"},
		{"first key, quoted, with a name", "connectors:\n  - executable: 'a'\n    type: importer\nbuild:\n  tags: [x]\nname: x\n", "r.example/a:v1",
			"connectors:\n  - image_id: \"ID\"\n    image: \"r.example/a:v1\"\n    type: importer\nname: x\n"},
		{"flow", "connectors: [{executable: a, type: importer}, {type: exporter, executable: \"a\" }, {executable: b}]\n", "r.example/a:v1",
			"connectors: [{image_id: \"ID\", image: \"r.example/a:v1\", type: importer}, {type: exporter, image_id: \"ID\", image: \"r.example/a:v1\" }, {executable: b}]\n"},
		{"last, without an end of line", "connectors:\n- type: importer\n  executable: a", "", "connectors:\n- type: importer\n  image_id: \"ID\""},
		{"lines of Windows", "connectors:\r\n- executable: a\r\n  type: importer\r\n", "", "connectors:\r\n- image_id: \"ID\"\r\n  type: importer\r\n"},
		{"characters of several bytes", "name: \"é\"\nconnectors:\n- {type: \"é\", executable: a}\n", "", "name: \"é\"\nconnectors:\n- {type: \"é\", image_id: \"ID\"}\n"},
		{"one connector twice", "connectors:\n- &x\n  executable: a\n- *x\n", "", "connectors:\n- &x\n  image_id: \"ID\"\n- *x\n"},
		{"anchor", "connectors:\n- executable: &e a\n- executable: *e\n", "", "connectors:\n- image_id: \"ID\"\n- image_id: \"ID\"\n"},
		{"anchor of something else", "connectors:\n- executable: &e a\n  extra_files: [*e]\n", "", "error"},
		{"merged", "connectors:\n- &x {type: importer, executable: a}\n- {<<: *x, type: exporter}\n", "",
			"connectors:\n- &x {type: importer, image_id: \"ID\"}\n- {<<: *x, type: exporter}\n"},
		{"over several lines", "connectors:\n- executable: >-\n    a\n", "", "error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Read(FileName, []byte(test.manifest)).Imaged(map[string]string{"a": id}, test.reference)
			if test.want == "error" {
				if err == nil || !strings.Contains(err.Error(), "without changing the rest") {
					t.Errorf("%q, %v", got, err)
				}
				return
			}
			if want := strings.ReplaceAll(test.want, "ID", id); err != nil || string(got) != want {
				t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}
