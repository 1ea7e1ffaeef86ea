package makefile

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/PlakarKorp/kpkg/internal/raced"
)

func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		makefile string
		want     []Build
	}{
		"upstream's shape": {
			"GO=go\nEXT=\n\nall: build\n\nbuild:\n" +
				"\t${GO} build -v -o ftpImporter${EXT} ./plugin/importer\n" +
				"\t${GO} build -v -o ftpExporter${EXT} ./plugin/exporter\n\n" +
				"clean:\n\trm -f ftpImporter ftpExporter ftp-*.ptar\n",
			[]Build{
				{Line: 7, Output: "ftpImporter", EXT: true, Dir: "plugin/importer", Default: true},
				{Line: 8, Output: "ftpExporter", EXT: true, Dir: "plugin/exporter", Default: true},
			},
		},
		"no EXT, flag after the output": {
			"all: importer\n\nimporter:\n\tgo build -o notion-importer -v ./importer\n",
			[]Build{{Line: 4, Output: "notion-importer", Dir: "importer", Default: true}},
		},
		"files": {
			"importer:\n\tgo build -o importer-caldav ./importer/caldav.go ./importer/main.go\n",
			[]Build{{Line: 2, Output: "importer-caldav", Dir: "importer",
				Files: []string{"importer/caldav.go", "importer/main.go"}, Default: true}},
		},
		"files of two folders": {"a:\n\tgo build -o a ./x/a.go ./y/b.go\n", nil},
		"several packages":     {"a:\n\tgo build -o bin/ ./x ./y\n", nil},
		"GO from the environment, round brackets": {
			"build:\n\t@$(GO) build -o s3$(EXT) ./s3\n",
			[]Build{{Line: 2, Output: "s3", EXT: true, Dir: "s3", Default: true}},
		},
		"variables of every kind": {
			"NAME := s3\nKIND ?= Importer\nOUT = $(NAME)$(KIND)\nFLAGS = -trimpath\nFLAGS += -ldflags \"-s -w -X 'a=b c'\"\n" +
				"build:\n\tgo build $(FLAGS) -o $(OUT)$(EXT) ./plugin/importer\nKIND = Exporter\n",
			[]Build{{Line: 7, Output: "s3Exporter", EXT: true, Dir: "plugin/importer", Default: true}},
		},
		"immediate assignment keeps the older value": {
			"A = 1\nB := $(A)\nA = 2\nbuild:\n\tgo build -o x$(A)$(B) ./x\n",
			[]Build{{Line: 5, Output: "x21", Dir: "x", Default: true}},
		},
		"continued lines": {
			"build:\n\tCGO_ENABLED=0 GOFLAGS=-mod=vendor \\\n\t  go build -tags=a,b \\\n\t\t-o bin/x$(EXT) \\\n\t\t./x\n",
			[]Build{{Line: 2, Output: "bin/x", EXT: true, Dir: "x", Default: true}},
		},
		"cd and -C": {
			"build:\n\tcd plugin && go build -o ../x ./importer && cd .. && go build -C plugin/exporter -o ../../y .\n" +
				"\t(cd store; go build -o ../z)\n",
			[]Build{
				{Line: 2, Output: "x", Dir: "plugin/importer", Default: true},
				{Line: 2, Output: "y", Dir: "plugin/exporter", Default: true},
				{Line: 3, Output: "z", Dir: "store", Default: true},
			},
		},
		"automatic variables": {
			"all: a b\na b: main.go\n\tgo build -o $@${EXT} ./cmd/$@\nc: ./cmd/c\n\tgo build -o $@ $<\n",
			[]Build{
				{Line: 3, Output: "a", EXT: true, Dir: "cmd/a", Default: true},
				{Line: 3, Output: "b", EXT: true, Dir: "cmd/b", Default: true},
				{Line: 5, Output: "c", Dir: "cmd/c"},
			},
		},
		"comments": {
			"# go build -o no ./no\nbuild: # go build -o no ./no\n\t#go build -o no ./no\n\tgo build -o x ./x # -o y\n",
			[]Build{{Line: 4, Output: "x", Dir: "x", Default: true}},
		},
		"recipe on the rule's line": {
			"x: ; go build -o x ./x\n",
			[]Build{{Line: 1, Output: "x", Dir: "x", Default: true}},
		},
		"other goal": {
			".DEFAULT_GOAL := b\na:\n\tgo build -o a ./a\nb:\n\tgo build -o b ./b\n",
			[]Build{{Line: 3, Output: "a", Dir: "a"}, {Line: 5, Output: "b", Dir: "b", Default: true}},
		},
		"ending that make computes": {
			"build:\n\tgo build -o x$(shell go env GOEXE) ./x\n\tgo build -o y$(if $(filter windows,$(GOOS)),.exe) ./y\n",
			[]Build{
				{Line: 2, Output: "x", EXT: true, Dir: "x", Default: true},
				{Line: 3, Output: "y", EXT: true, Dir: "y", Default: true},
			},
		},
		"output by the package's name": {
			"build:\n\tgo build ./cmd/ftpImporter\n\tgo build -o bin/ ./cmd/x\n\tgo build .\n",
			[]Build{
				{Line: 2, Output: "ftpImporter", Dir: "cmd/ftpImporter", Default: true},
				{Line: 3, Output: "bin/x", Dir: "cmd/x", Default: true},
			},
		},
		"not to be known": {
			"%Importer:\n\tgo build -o $@ ./$*\nall:\n\tfor t in a b; do go build -o $$t ./$$t; done\n" +
				"\tgo build -o $(shell basename x) ./x\n\t@echo go build -o x ./x\n",
			nil,
		},
		"carriage returns":       {"x:\r\n\tgo build -o x ./x\r\n", []Build{{Line: 2, Output: "x", Dir: "x", Default: true}}},
		"variable naming itself": {"A = $(A)$(A)\nx:\n\tgo build -o x$(A) $(A)./x\n", nil},
		"nothing":                {"", nil},
		"recipe without a rule":  {"\tgo build -o x ./x\n", nil},
		"unclosed bracket":       {"x:\n\tgo build -o $(NAME ./x\n", nil},
		"unclosed quote":         {"x:\n\tgo build -o y \"./x\n", []Build{{Line: 2, Output: "y", Dir: "x", Default: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Parse([]byte(test.makefile))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseBoundsExpansion(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("A0 = x\n")
	for i := range 15 {
		n := string(rune('a' + i))
		bomb.WriteString(n + " = " + strings.Repeat("$("+string(rune('a'+i+1))+")", 50) + "\n")
	}
	bomb.WriteString("x:\n\tgo build -o $a ./x\n")
	if builds := Parse([]byte(bomb.String())); builds != nil {
		t.Errorf("got %v", builds)
	}
}

// TestParseIsLinear counts the bytes that reading a Makefile allocates: time is as many, and does not depend on the machine. Each
// of these was, or would be, gigabytes if what is repeated were copied, or multiplied, each time.
func TestParseIsLinear(t *testing.T) {
	raced.Skip(t, "it measures memory")
	fill := func(before, repeated, after string) string {
		return before + strings.Repeat(repeated, (MaxSize-len(before)-len(after))/len(repeated)) + after
	}
	half := func(repeated string) string { return strings.Repeat(repeated, MaxSize/2/len(repeated)-8) }
	build := "\nx:\n\tgo build -o x ./x\n"
	for name, test := range map[string]struct {
		makefile string
		builds   int // fewer are found where the Makefile is not read to its end
	}{
		"continued recipe":             {fill("y:\n\t", "\\\n", "\n"+build), 1},
		"continued lines of words":     {fill("y:\n\t", "a\\\n", "\n"+build), 1},
		"continued assignment":         {fill("A = ", "b\\\n\t", "\n"+build), 1},
		"variable added to":            {fill("", "A += b\n", build), 1},
		"variables":                    {fill("", "A=b\n", build), 1},
		"variable adding itself":       {fill("A = b\n", "A := $(A)$(A)\n", build), 0},
		"open brackets":                {fill("y:\n\t", "$(", "\n"+build), 1},
		"targets and what they need":   {half("a ") + half("b ")[1:] + ": " + half("c ") + build, 1},
		"many targets for many":        {"y: z\nz " + numbered(60_000) + ": " + numbered(60_000) + build, 0},
		"rules that are needed":        {fill("all: x\n", "x: x\n", build), 1},
		"target in its recipe":         {strings.Repeat("a", MaxSize/2) + ":\n\t" + half("$@") + build, 0},
		"folder in a folder":           {fill("y:\n\t", "cd a;", "\n"+build), 0},
		"folder in a folder by a flag": {fill("y:\n\tgo build ", "-C a ", "\n"+build), 0},
		"files of a deep folder":       {fill("y:\n\tcd "+strings.Repeat("a/", 2000)+"; go build -o y ", "a.go ", "\n"+build), 0},
		"builds in a deep folder":      {fill("y:\n\tcd "+strings.Repeat("a/", 2000)+";", "go build;", "\n"+build), 100},
		"commands":                     {fill("y:\n\t", "a;", "\n"+build), 1},
		"folders left":                 {fill("y:\n\t", "cd ..;", "\n"+build), 0},
	} {
		t.Run(name, func(t *testing.T) {
			if len(test.makefile) > MaxSize+MaxSize/2 {
				t.Fatalf("%d bytes are no Makefile", len(test.makefile))
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			builds := Parse([]byte(test.makefile))
			runtime.ReadMemStats(&after)
			if made := (after.TotalAlloc - before.TotalAlloc) >> 20; made > 600 {
				t.Errorf("reading it allocates %d MiB", made)
			}
			if len(builds) < test.builds {
				t.Errorf("%d builds found, want %d", len(builds), test.builds)
			}
		})
	}
}

// numbered are so many different words.
func numbered(n int) string {
	var words strings.Builder
	for i := range n {
		fmt.Fprint(&words, "w", i, " ")
	}
	return words.String()
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("GO=go\nbuild:\n\t${GO} build -v -o x${EXT} ./x\n"))
	f.Add([]byte("A += $(A) \\\n b\nx y: z ; cd a && env B=c go build -o '$@' \"$<\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, b := range Parse(data) {
			if b.Output == "" || b.Dir == "" || b.Line < 1 {
				t.Errorf("incomplete: %+v", b)
			}
			if strings.Contains(b.Output+b.Dir, extMark) || strings.Contains(b.Output+b.Dir, unknownMark) {
				t.Errorf("marks left: %+v", b)
			}
		}
	})
}
