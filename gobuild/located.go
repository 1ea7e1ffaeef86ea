package gobuild

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/regular"
)

var (
	// position is a file and line that the go tool begins a line with.
	position = regexp.MustCompile(`^\s*([^\s:]+\.go|go\.mod|go\.sum):[0-9]+`)
	// wanted is a package that the go tool does not find in any module.
	wanted = regexp.MustCompile(`no required module provides package ([^\s;]+)`)
	// noMain is what the linker says of a main package without its function.
	noMain = "runtime.main_main"
)

// unreachable are signs of a network, or a server, that does not answer.
var unreachable = []string{"dial tcp", "no such host", "i/o timeout", "TLS handshake timeout", "proxyconnect"}

// remedies are what to do, in the folder of the manifest, about what the go tool says; the first that fits counts.
var remedies = []struct {
	signs  []string
	remedy string
}{
	{[]string{"missing go.sum entry", "updates to go.mod needed", "no required module provides package"},
		"go.mod and go.sum are not up to date: run go mod tidy in DIR"},
	{[]string{"requires go >= ", "toolchain not available"},
		"the source asks for a newer Go than there is: install that (https://go.dev/dl), or lower the go line of its go.mod"},
	{[]string{"GOCACHEPROG"},
		"the program that GOCACHEPROG names for go's cache does not work: correct or unset it, go has a cache of its own"},
	{append([]string{"GOPROXY=off"}, unreachable...),
		"modules cannot be fetched: check the network and GOPROXY, then run go mod download in DIR"},
	{[]string{"C compiler"}, "install a C compiler, or leave CGO_ENABLED out of build.env"},
}

// located is what the go tool printed in dir for those who are not there: files have their paths from here, lines that only
// name a package or a module that is downloaded, of which there may be hundreds, are left out, and what can be done about it
// comes last.
func located(output, dir string) string {
	var lines []string
	about := ""
	for line := range strings.SplitSeq(strings.TrimRight(output, "\n"), "\n") {
		if name, isHeading := strings.CutPrefix(line, "# "); isHeading {
			about = name
			continue
		}
		if strings.HasPrefix(line, "go: downloading ") {
			continue
		}
		if at := position.FindStringSubmatchIndex(line); at != nil && !filepath.IsAbs(line[at[2]:at[3]]) {
			line = line[:at[2]] + filepath.Join(dir, line[at[2]:at[3]]) + line[at[3]:]
		}
		if strings.HasPrefix(line, noMain) {
			line = about + ": package main has no func main"
		}
		lines = append(lines, line)
	}
	if remedy := remedyOf(output, dir); remedy != "" {
		lines = append(lines, remedy)
	}
	return strings.Join(lines, "\n")
}

func remedyOf(output, dir string) string {
	if found := wanted.FindStringSubmatch(output); found != nil {
		if module := modulePath(dir); module != "" && strings.HasPrefix(found[1], module+"/") {
			return "the module has no folder " + strings.TrimPrefix(found[1], module+"/") + ": correct the import"
		}
	}
	for _, known := range remedies {
		for _, sign := range known.signs {
			if strings.Contains(output, sign) {
				return strings.ReplaceAll(known.remedy, "DIR", dir) + cacheRemedy(sign)
			}
		}
	}
	return ""
}

// modulePath is that of the module around dir, "" if it cannot be read.
func modulePath(dir string) string {
	root, _ := ModuleRoot(dir)
	data, err := regular.Read(filepath.Join(root, "go.mod"), maxSettings)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if path, found := strings.CutPrefix(strings.TrimSpace(line), "module "); found {
			return strings.Trim(strings.TrimSpace(path), `"`)
		}
	}
	return ""
}

// cacheRemedy is what else may not be reached: go fails when the server of its cache does, and does not name the program that says so.
func cacheRemedy(sign string) string {
	if program := cacheProgram(readEnvironment(os.Environ()).passed); program == "" || !slices.Contains(unreachable, sign) {
		return ""
	}
	return "; or the server of the cache that GOCACHEPROG names does not answer: unset that to build without"
}
