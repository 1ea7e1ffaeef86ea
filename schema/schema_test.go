package schema_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/PlakarKorp/kloset/location"
	"github.com/PlakarKorp/pkg"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/schema"
)

// node is as much of a JSON schema as the tests look at.
type node struct {
	Schema      string          `json:"$schema"`
	Ref         string          `json:"$ref"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Enum        []string        `json:"enum"`
	Const       string          `json:"const"`
	Properties  map[string]node `json:"properties"`
	Items       *node           `json:"items"`
	Defs        map[string]node `json:"$defs"`
	AllOf       []struct {
		If, Then node
	} `json:"allOf"`
	// False is a schema that no value satisfies.
	False bool `json:"-"`
}

func (n *node) UnmarshalJSON(data []byte) error {
	if string(data) == "false" {
		n.False = true
		return nil
	}
	type plain node
	return json.Unmarshal(data, (*plain)(n))
}

func load(t *testing.T) (root, connector node) {
	t.Helper()
	if err := json.Unmarshal(schema.Manifest, &root); err != nil {
		t.Fatal(err)
	}
	return root, root.Defs["connector"]
}

func TestCompiles(t *testing.T) {
	root, _ := load(t)
	if root.Schema != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("draft is %q", root.Schema)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("test:///manifest", bytes.NewReader(schema.Manifest)); err != nil {
		t.Fatal(err)
	}
	if _, err := compiler.Compile("test:///manifest"); err != nil {
		t.Errorf("%#v", err)
	}
}

// TestDescribed sees to it that editors have something to show and to offer for every schema of a value, wherever it stands.
func TestDescribed(t *testing.T) {
	var document map[string]any
	if err := json.Unmarshal(schema.Manifest, &document); err != nil {
		t.Fatal(err)
	}
	described := 0
	var visit func(path string, at any, isValue bool)
	visit = func(path string, at any, isValue bool) {
		node, isSchema := at.(map[string]any)
		if !isSchema {
			return
		}
		if _, refers := node["$ref"]; isValue && !refers {
			described++
			for _, key := range []string{"title", "description"} {
				if text, _ := node[key].(string); text == "" {
					t.Errorf("%s has no %s", path, key)
				}
			}
			if examples, _ := node["examples"].([]any); len(examples) == 0 && path != "#" && path != "#/$defs/connector" {
				t.Errorf("%s has no examples", path)
			}
			if told, _ := node["enumDescriptions"].([]any); told != nil && len(told) != len(node["enum"].([]any)) {
				t.Errorf("%s describes %d of its values", path, len(told))
			}
			checkSamples(t, path, node)
		}
		for _, key := range []string{"properties", "$defs"} {
			below, _ := node[key].(map[string]any)
			for name, s := range below {
				visit(path+"/"+key+"/"+name, s, true)
			}
		}
		for _, key := range []string{"items", "additionalProperties", "propertyNames"} {
			visit(path+"/"+key, node[key], true)
		}
	}
	visit("#", any(document), true)
	if described < 35 {
		t.Errorf("only %d schemas were looked at", described)
	}
}

// checkSamples holds the examples and the default of a schema to it.
func checkSamples(t *testing.T, path string, node map[string]any) {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("test:///manifest", bytes.NewReader(schema.Manifest)); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("test:///manifest" + path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	samples, _ := node["examples"].([]any)
	if value, found := node["default"]; found {
		samples = append(samples, value)
	}
	for _, sample := range samples {
		if err := compiled.Validate(sample); err != nil {
			t.Errorf("%s: %v is no example of it: %v", path, sample, err)
		}
	}
}

// TestPlatforms holds the default platforms to those that --platform all means.
func TestPlatforms(t *testing.T) {
	var document struct {
		Defs struct {
			Build struct {
				Properties struct {
					Platforms struct{ Default []string } `json:"platforms"`
				} `json:"properties"`
			} `json:"build"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(schema.Manifest, &document); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, p := range executable.Shipped() {
		want = append(want, p.String())
	}
	same(t, "platforms", document.Defs.Build.Properties.Platforms.Default, want)
}

func TestTypes(t *testing.T) {
	_, connector := load(t)
	for _, name := range connector.Properties["type"].Enum {
		if !pkg.ConnectorType(name).IsValid() {
			t.Errorf("plakar does not know type %q", name)
		}
	}
	want := []pkg.ConnectorType{
		pkg.ConnectorTypeImporter, pkg.ConnectorTypeExporter, pkg.ConnectorTypeStorage,
		pkg.ConnectorTypeSecretProvider, pkg.ConnectorTypeInventory,
	}
	if got := connector.Properties["type"].Enum; len(got) != len(want) {
		t.Errorf("types are %q, plakar's are %q", got, want)
	}
}

// TestClasses compares classes, subclasses and what belongs under what with plakar's tree. The tree, not IsValid, is the
// authority: pkg v1.1.0 forgot "hypervisor" in the list behind IsValid, and validators after it did not. Subclass
// "secret-manager" came after it.
func TestClasses(t *testing.T) {
	_, connector := load(t)
	wantClasses := []string{"unknown"}
	wantTree := map[string][]string{"unknown": {}}
	var wantSubclasses []string
	for class, subclasses := range pkg.GetClassTree() {
		if class == pkg.ResourceClassSecurity {
			wantTree[string(class)], wantClasses = []string{"secret-manager"}, append(wantClasses, string(class))
			wantSubclasses = append(wantSubclasses, "secret-manager")
			if len(subclasses) > 0 {
				t.Errorf("plakar now has subclasses %q of its own", subclasses)
			}
			continue
		}
		wantClasses = append(wantClasses, string(class))
		wantTree[string(class)] = []string{}
		for _, subclass := range subclasses {
			if !subclass.IsValid() {
				t.Errorf("plakar does not know its subclass %q", subclass)
			}
			wantTree[string(class)] = append(wantTree[string(class)], string(subclass))
			wantSubclasses = append(wantSubclasses, string(subclass))
		}
		slices.Sort(wantTree[string(class)])
	}
	for _, class := range connector.Properties["class"].Enum {
		if !pkg.ResourceClass(class).IsValid() && class != "hypervisor" {
			t.Errorf("plakar does not know class %q", class)
		}
	}
	tree := map[string][]string{}
	for _, rule := range connector.AllOf {
		classes := rule.If.Properties["class"].Enum
		if class := rule.If.Properties["class"].Const; class != "" {
			classes = append(classes, class)
		}
		subclass := rule.Then.Properties["subclass"]
		for _, class := range classes {
			tree[class] = slices.Sorted(slices.Values(subclass.Enum))
			if subclass.False {
				tree[class] = []string{}
			}
		}
	}
	same(t, "classes", connector.Properties["class"].Enum, wantClasses)
	same(t, "subclasses", connector.Properties["subclass"].Enum, wantSubclasses)
	if diff := cmp.Diff(wantTree, tree); diff != "" {
		t.Errorf("tree of classes (-plakar +schema):\n%s", diff)
	}
}

// TestLocationFlags lets the schema know one flag more than kloset: walkdirorder, which comes with the next one.
func TestLocationFlags(t *testing.T) {
	_, connector := load(t)
	var all location.Flags
	for _, name := range connector.Properties["location_flags"].Items.Enum {
		flag, err := location.ParseFlag(name)
		if err != nil && name != "walkdirorder" {
			t.Errorf("kloset does not know flag %q", name)
		}
		all |= flag
	}
	if want := location.FLAG_EXPORTXATTR<<1 - 1; all != want {
		t.Errorf("the schema's flags are %b, kloset's %b", all, want)
	}
}

func TestAPIVersion(t *testing.T) {
	root, _ := load(t)
	same(t, "API versions", root.Properties["api_version"].Enum, []string{pkg.PLUGIN_API_VERSION})
}

// TestKeys knows the keys that plakar decodes, and those that only kpkg, older and newer clients do.
func TestKeys(t *testing.T) {
	root, connector := load(t)
	same(t, "keys", slices.Collect(maps.Keys(root.Properties)), append(yamlKeys(pkg.Manifest{}), "version", "build"))
	same(t, "connector keys", slices.Collect(maps.Keys(connector.Properties)),
		append(yamlKeys(pkg.ManifestConnector{}), "image_id", "image"))
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-plakar +schema):\n%s", what, diff)
	}
}

// yamlKeys are the keys that plakar decodes into the fields of a struct.
func yamlKeys(v any) []string {
	var keys []string
	for _, field := range reflect.VisibleFields(reflect.TypeOf(v)) {
		keys = append(keys, field.Tag.Get("yaml"))
	}
	return keys
}
