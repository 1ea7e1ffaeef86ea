package makefile

import (
	"path"
	"slices"
	"strings"
)

// shellBuilds finds the go builds in one expanded recipe line.
func (mk *makefile) shellBuilds(line string) []Build {
	line = strings.TrimLeft(line, "@-+ \t")
	var builds []Build
	dir := "."
	for _, command := range shellCommands(line) {
		switch {
		case len(command) == 2 && command[0] == "cd":
			dir = mk.join(dir, command[1])
		default:
			if b, ok := mk.goBuild(command, dir); ok {
				builds = append(builds, b)
			}
		}
	}
	return builds
}

// join is path.Join within the budget: every "cd" makes a longer path, and every file has its folder's.
func (mk *makefile) join(dir, name string) string {
	if mk.budget -= len(dir) + len(name); mk.budget < 0 {
		return unknownMark
	}
	return path.Join(dir, name)
}

// shellCommands splits a line of shell into simple commands and those into words. Quotes and backslashes are taken away;
// what a loop or a condition would do is not known, so its words merely make a command that is no go build.
func shellCommands(line string) [][]string {
	var commands [][]string
	var words []string
	var word strings.Builder
	inWord := false
	endWord := func() {
		if inWord {
			words = append(words, word.String())
			word.Reset()
			inWord = false
		}
	}
	endCommand := func() {
		endWord()
		if len(words) > 0 {
			commands = append(commands, words)
			words = nil
		}
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\t':
			endWord()
		case '&', ';', '|', '(', ')', '{', '}':
			endCommand()
		case '#':
			if !inWord {
				endCommand()
				return commands
			}
			word.WriteByte(c)
		case '\'', '"':
			inWord = true
			for i++; i < len(line) && line[i] != c; i++ {
				if c == '"' && line[i] == '\\' && i+1 < len(line) {
					i++
				}
				word.WriteByte(line[i])
			}
		case '\\':
			if i++; i < len(line) {
				inWord = true
				word.WriteByte(line[i])
			}
		default:
			inWord = true
			word.WriteByte(c)
		}
	}
	endCommand()
	return commands
}

// valueFlags are the flags of go build that take the next word as their value.
var valueFlags = []string{"C", "asmflags", "buildmode", "compiler", "covermode", "coverpkg", "gccgoflags", "gcflags",
	"installsuffix", "ldflags", "mod", "modfile", "o", "overlay", "p", "pgo", "pkgdir", "tags", "toolexec"}

// goBuild reads the words of one command run in dir.
func (mk *makefile) goBuild(words []string, dir string) (Build, bool) {
	for len(words) > 0 && (words[0] == "env" || strings.Contains(words[0], "=")) {
		words = words[1:]
	}
	if len(words) < 2 || path.Base(words[0]) != "go" || words[1] != "build" {
		return Build{}, false
	}
	words = words[2:]
	var output string
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		name, value, hasValue := strings.Cut(strings.TrimLeft(words[0], "-"), "=")
		words = words[1:]
		if !hasValue && slices.Contains(valueFlags, name) && len(words) > 0 {
			value, words = words[0], words[1:]
		}
		switch name {
		case "C":
			dir = mk.join(dir, value)
		case "o":
			output = value
		}
	}
	if len(words) == 0 {
		words = []string{"."}
	}
	b := Build{Dir: mk.join(dir, words[0])}
	if strings.HasSuffix(words[0], ".go") {
		b.Dir = path.Dir(b.Dir)
		for _, file := range words {
			file = mk.join(dir, file)
			if !strings.HasSuffix(file, ".go") || path.Dir(file) != b.Dir {
				return Build{}, false
			}
			b.Files = append(b.Files, file)
		}
	} else if len(words) > 1 {
		return Build{}, false // several packages: their outputs have no names of their own
	}
	if output == "" || strings.HasSuffix(output, "/") {
		output = mk.join(output, path.Base(b.Dir))
	}
	b.Output, b.EXT = strings.CutSuffix(mk.join(dir, output), extMark)
	if !b.EXT { // an ending that make computes, such as $(shell go env GOEXE), serves as well
		b.Output, b.EXT = strings.CutSuffix(b.Output, unknownMark)
	}
	if strings.ContainsAny(b.Output+b.Dir, unknownMark+extMark+"$%*`") || b.Output == "" || b.Output == "." {
		return Build{}, false
	}
	return b, true
}
