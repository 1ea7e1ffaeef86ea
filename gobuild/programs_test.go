package gobuild

import (
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/manifest"
)

func TestCheckPrograms(t *testing.T) {
	for build, want := range map[string]string{
		"env: {GOFLAGS: -toolexec=/tmp/x}":                       "build.env GOFLAGS -toolexec=/tmp/x",
		"env: {GOFLAGS: '-v --toolexec=x'}":                      "build.env GOFLAGS --toolexec=x",
		"env: {GOFLAGS: \"-v '-toolexec=x y'\"}":                 "build.env GOFLAGS -toolexec=x y",
		"env: {GOFLAGS: '-ldflags=-extld=x'}":                    "build.env GOFLAGS=-ldflags=-extld=x",
		"env: {GOFLAGS: \"'-ldflags=all=-s -extldflags=-B.'\"}":  "build.env GOFLAGS='-ldflags=all=-s -extldflags=-B.'",
		"env: {GOFLAGS: '-mod=mod -tags=extld'}":                 "",
		"env: {GOCACHEPROG: /tmp/x}":                             "build.env GOCACHEPROG=/tmp/x",
		"env: {CC: /tmp/x, CGO_ENABLED: '1'}":                    "build.env CC=/tmp/x",
		"env: {PATH: './bin:/bin'}":                              "build.env PATH=./bin:/bin",
		"env: {LD_PRELOAD: x.so}":                                "build.env LD_PRELOAD=x.so",
		"env: {GIT_SSH_COMMAND: x}":                              "build.env GIT_SSH_COMMAND=x",
		"env: {GOENV: ./go.env}":                                 "build.env GOENV=./go.env",
		"env: {CGO_CFLAGS: '-O2 -fplugin=x.so'}":                 "build.env CGO_CFLAGS -fplugin=x.so",
		"env: {CGO_CFLAGS: '-O2 -Iinclude', CGO_LDFLAGS: -lssl}": "",
		"env: {CGO_LDFLAGS_ALLOW: '.*'}":                         "build.env CGO_LDFLAGS_ALLOW=.*",
		"env: {GOAMD64: v3, CC: ''}":                             "",
		"ldflags: -linkmode=external -extld=/tmp/x":              "build.ldflags -extld=/tmp/x",
		"ldflags: --extldflags '-fuse-ld=x'":                     "build.ldflags --extldflags '-fuse-ld=x'",
		"ldflags: -X main.extld=x -s":                            "",
	} {
		doc := manifest.Read("manifest.yaml", []byte("name: x\nbuild:\n  "+build+"\n"))
		var got []string
		for _, f := range CheckPrograms(doc) {
			if f.Line != 3 {
				t.Errorf("%s: reported at line %d", build, f.Line)
			}
			got = append(got, strings.TrimSuffix(f.Message, ": building this tree starts or loads what that names"))
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: %q, want %q", build, got, want)
		}
	}
	for _, name := range slices.Concat(starting, []string{"LD_AUDIT", "DYLD_INSERT_LIBRARIES", "GIT_EXEC_PATH"}) {
		if len(programsIn(name, "x")) != 1 {
			t.Errorf("build.env %s is not reported", name)
		}
	}
}
