package executable

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestPlatformsAreThoseOfTheToolchain(t *testing.T) {
	out, err := exec.Command("go", "tool", "dist", "list").Output()
	if err != nil {
		t.Fatalf("go tool dist list: %v", err)
	}
	var table []string
	for os, archs := range architectures {
		for _, arch := range archs {
			table = append(table, os+"/"+arch)
		}
	}
	slices.Sort(table)
	if want := strings.Fields(string(out)); !slices.Equal(table, want) {
		t.Errorf("the table of platforms is\n%v\nthe toolchain's is\n%v", table, want)
	}
}

func TestParsePlatforms(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"linux/amd64", "[linux/amd64]"},
		{"darwin/arm64,linux/amd64, windows/amd64", "[darwin/arm64 linux/amd64 windows/amd64]"},
		{"linux/amd64,linux/amd64", "[linux/amd64]"},
		{"", `platform "" is not of the form os/arch, such as ` + Host().String()},
		{"linux", `platform "linux" is not of the form os/arch, such as ` + Host().String()},
		{"linux/amd64,", `platform "" is not of the form os/arch, such as ` + Host().String()},
		{"linux/", `platform "linux/" is not of the form os/arch, such as ` + Host().String()},
		{"linux/x86_64", `unknown platform "linux/x86_64": did you mean linux/amd64?`},
		{"macOS/aarch64", `unknown platform "macOS/aarch64": did you mean darwin/arm64?`},
		{"LINUX/AMD64", `unknown platform "LINUX/AMD64": did you mean linux/amd64?`},
		{"linuz/amd64", `unknown platform "linuz/amd64": did you mean linux/amd64?`},
		{"darwin/386", `unknown platform "darwin/386": Go builds darwin for amd64, arm64`},
		{"templeos/holyc", "unknown platform \"templeos/holyc\": the pairs Go knows are printed by `go tool dist list`"},
		{"linux/amd64/v3", `unknown platform "linux/amd64/v3": did you mean linux/amd64?`},
		{"win", `platform "win" is not of the form os/arch, such as windows/amd64`},
		{"macOS", `platform "macOS" is not of the form os/arch, such as darwin/amd64`},
	} {
		platforms, err := ParsePlatforms(test.in)
		got := fmt.Sprint(platforms)
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("ParsePlatforms(%q) = %s\nwant %s", test.in, got, test.want)
		}
	}
}

func TestShippedPlatformsExist(t *testing.T) {
	for _, p := range Shipped() {
		if parsed, err := ParsePlatform(p.String()); err != nil || parsed != p {
			t.Errorf("ParsePlatform(%q) = %v, %v", p, parsed, err)
		}
	}
}

func TestFileName(t *testing.T) {
	for _, test := range []struct {
		platform         Platform
		executable, want string
	}{
		{Platform{"linux", "amd64"}, "ftpImporter", "ftpImporter"},
		{Platform{"windows", "amd64"}, "ftpImporter", "ftpImporter.exe"},
		{Platform{"windows", "arm64"}, "bin/ftpImporter.exe", "bin/ftpImporter.exe"},
	} {
		if got := test.platform.FileName(test.executable); got != test.want {
			t.Errorf("%s: FileName(%q) = %q, want %q", test.platform, test.executable, got, test.want)
		}
	}
}

func TestInspectable(t *testing.T) {
	for _, p := range Shipped() {
		if !p.Inspectable() {
			t.Errorf("%s is not", p)
		}
	}
	if (Platform{"js", "wasm"}).Inspectable() {
		t.Error("js/wasm is")
	}
}
