package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestSharedCache has two builders with empty caches make packages of two integrations, one builder after the other, from sources in
// folders of their own, with one gocached. Both make the same bytes, and those of one that has its own cache only; the second compiles nothing.
func TestSharedCache(t *testing.T) {
	ctx := t.Context()
	s := newStory(t)
	cache, err := rig.StartGoCache(ctx, s.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cache.Close(); err != nil {
			t.Error(err)
		}
	})
	names := []string{"aa", "bb"}
	packages := map[string]string{} // by builder and name
	build := func(builder string, environment []string, more ...string) rig.CacheCounts {
		t.Helper()
		before, err := cache.Counts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		args := append([]string{"create"}, more...)
		for _, name := range names {
			s.compiled(builder+"/"+name, name)
			args = append(args, s.at(builder+"/"+name))
		}
		// One after the other: two at once would compile the standard library twice.
		args = append(args, "v1.0.0", "--quiet", "--jobs", "1", "--platform", "linux/amd64", "--out-dir", s.at(builder+"/out"))
		made := s.kpkgWith(environment, 0, args...)
		for _, name := range names {
			data, err := os.ReadFile(s.at(builder + "/out/" + name + "_v1.0.0_linux_amd64.ptar"))
			if err != nil {
				t.Fatal(err)
			}
			packages[builder+"/"+name] = string(data)
		}
		after, err := cache.Counts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %v of processor time, %+v", builder, made.CPU, after.Less(before))
		return after.Less(before)
	}
	first := build("first", cache.Builder(s.at("first/caches")))
	second := build("second", cache.Builder(s.at("second/caches")))
	build("alone", nil, "--no-cache")
	for _, name := range names {
		if packages["first/"+name] != packages["second/"+name] || packages["first/"+name] != packages["alone/"+name] {
			t.Errorf("the packages of %s differ", name)
		}
	}
	if first.Hits != 0 || first.Puts < 30 || first.PutBytes < 1<<20 {
		t.Errorf("the first builder: %+v", first)
	}
	// go asks for executables too, which it does not put there; and for an index of each source's folder, which it puts there once the
	// folder is two seconds old.
	if each := int64(len(names)); second.Puts > each || second.PutBytes > 1<<10 || second.Hits < 30 || second.Gets-second.Hits > each+second.Puts {
		t.Errorf("the second builder: %+v, after %+v", second, first)
	}
}

// compiled writes an integration with a main package and another.
func (s *story) compiled(dir, name string) {
	for file, content := range map[string]string{
		"go.mod":                  "module example.org/NAME\n\ngo 1.26\n",
		"lib/lib.go":              "package lib\n\nfunc Name() string { return \"NAME\" }\n",
		"plugin/importer/main.go": "package main\n\nimport \"example.org/NAME/lib\"\n\nfunc main() { println(lib.Name()) }\n",
		"manifest.yaml": "name: NAME\ndisplay_name: X\ndescription: of NAME\nlicense: ISC\n" +
			"connectors:\n- {type: importer, executable: importer, protocols: [NAME]}\n",
		"README.md": "# X\n", "LICENSE": "ISC\n",
	} {
		s.put(filepath.Join(dir, file), strings.ReplaceAll(content, "NAME", name))
	}
}
