package manifest

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPacked(t *testing.T) {
	tests := map[string]struct{ raw, want string }{
		"none":   {"name: x\n", "name: x\n"},
		"middle": {"name: x\nbuild:\n  platforms: [linux/amd64]\ntags: [a]\n", "name: x\ntags: [a]\n"},
		"first":  {"build: {}\nname: x\n", "name: x\n"},
		"last":   {"name: x\nbuild:\n  ldflags: -s", "name: x\n"},
		"only":   {"build:\n  ldflags: -s\n", ""},
		"comments": {
			"# head\nname: x\n# above\nbuild: # on\n  # inside\n  ldflags: -s # after\n  # end\n\n# below\ntags: [a]\n",
			"# head\nname: x\n# above\n# below\ntags: [a]\n",
		},
		"comment at the margin inside": {
			"name: x\nbuild:\n  ldflags: -s\n# margin\n  tags: [a]\ntags: [a]\n",
			"name: x\ntags: [a]\n",
		},
		"CRLF":            {"name: x\r\nbuild:\r\n  ldflags: -s\r\ntags: [a]\r\n", "name: x\r\ntags: [a]\r\n"},
		"CR only":         {"name: x\rbuild:\r  ldflags: -s\rtags: [a]\r", "name: x\rtags: [a]\r"},
		"document marks":  {"---\nname: x\nbuild: {}\n...\n", "---\nname: x\n...\n"},
		"second document": {"name: x\nbuild: {}\n---\nbuild: {}\n", "name: x\n---\nbuild: {}\n"},
		"block scalar": {
			"name: x\nbuild:\n  ldflags: |\n    -s\n    # not a comment\n\ntags: [a]\n",
			"name: x\ntags: [a]\n",
		},
		"kept newlines before": {
			"description: |+\n  text\n\nbuild:\n  ldflags: -s\n\nname: x\n",
			"description: |+\n  text\n\nname: x\n",
		},
		"quoted key":      {"name: x\n\"build\": {}\n", "name: x\n"},
		"explicit key":    {"name: x\n? build\n: ldflags: -s\ntags: [a]\n", "name: x\ntags: [a]\n"},
		"indented root":   {"  name: x\n  build:\n    ldflags: -s\n  # below\n  tags: [a]\n", "  name: x\n  # below\n  tags: [a]\n"},
		"flow first":      {"{build: {ldflags: \"}\"}, name: x}\n", "{ name: x}\n"},
		"flow last":       {"{name: x, build: {ldflags: it's, tags: [a, b]}}\n", "{name: x, }\n"},
		"flow only":       {"{build: {}}\n", "{}\n"},
		"flow comment":    {"{name: x,\n build: {ldflags: 'a''}'}, # }\n tags: [a]}\n", "{name: x,\n  # }\n tags: [a]}\n"},
		"inner build":     {"name: x\nconnectors:\n- build: {}\n", "name: x\nconnectors:\n- build: {}\n"},
		"anchor used":     {"name: x\nbuild:\n  ldflags: &f -s\nlicense: *f\n", "name: x\nbuild:\n  ldflags: &f -s\nlicense: *f\n"},
		"byte order mark": {"\ufeffbuild: {}\nname: x\n", "\ufeffname: x\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, string(Read("manifest.yaml", []byte(test.raw)).Packed())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzPacked holds Packed to its promise: the same manifest without "build", or the manifest as it was.
func FuzzPacked(f *testing.F) {
	for _, seed := range []string{
		"name: x\nbuild:\n  ldflags: |\n    -s\n# c\ntags: [a]\n",
		"{name: x, build: {ldflags: 'a'}, tags: [b]}",
		"name: x\r\n? build\r\n: {}\r\n",
		"description: |+\n  x\n\nbuild: &a {}\n\nx: *a\n",
		"<<: {build: {}}\nname: x\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		document := Read("manifest.yaml", data)
		packed := document.Packed()
		if len(packed) == len(data) {
			return
		}
		want := document.Manifest
		want.Build = nil
		if got := Read("manifest.yaml", packed); !reflect.DeepEqual(got.Manifest, want) {
			t.Errorf("%q\npacked as %q\nreads as %+v\nwant %+v", data, packed, got.Manifest, want)
		}
	})
}
