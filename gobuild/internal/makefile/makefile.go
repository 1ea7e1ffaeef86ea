// Package makefile finds the go builds in a Makefile by reading it. It runs nothing and opens no file.
package makefile

import (
	"regexp"
	"strings"
)

// MaxSize is how large a Makefile may be that is worth reading, in bytes; real ones have some hundreds.
const MaxSize = 1 << 20

// Build is one go build in a Makefile.
type Build struct {
	Line    int    // of the Makefile, from 1
	Output  string // slash path of the executable, relative to the Makefile, without ${EXT}
	EXT     bool   // the output ends in ${EXT}, so that `make EXT=.exe` names it for windows
	Dir     string // the package's folder, slash path relative to the Makefile
	Files   []string
	Default bool // plain `make` runs it
}

// extMark stands for ${EXT} in expanded text. The Makefile's own value does not matter: plakar gives EXT on make's command
// line, which wins.
const extMark = "\uE000"

// Parse finds the go builds of a Makefile of at most MaxSize bytes, in its order. It knows variables, line continuations,
// $@ and $<, `cd DIR &&` and lists of .go files; both branches of a conditional count, and a line it cannot fully expand
// (shell functions, loops, pattern rules) is left out.
func Parse(data []byte) []Build {
	mk := makefile{variables: map[string]*strings.Builder{}, budget: expandLimit}
	mk.read(string(data))
	mk.expandRules()
	reached := mk.reachable()
	var builds []Build
	for _, rule := range mk.rules {
		for _, target := range rule.targets {
			automatic := map[string]string{"@": target}
			if len(rule.prerequisites) > 0 {
				automatic["<"] = rule.prerequisites[0]
			}
			for _, line := range rule.recipe {
				text := mk.expand(line.text, automatic)
				if mk.budget < 0 {
					return builds
				}
				for _, b := range mk.shellBuilds(text) {
					b.Line, b.Default = line.number, reached[target]
					builds = append(builds, b)
				}
			}
		}
	}
	return builds
}

// makefile is what a Makefile says.
type makefile struct {
	variables map[string]*strings.Builder // unexpanded; += adds to it in place, however often
	rules     []rule
	goal      string // the target that plain `make` builds, unexpanded
	budget    int    // bytes of text and paths that may still be made
}

type rule struct {
	head                   string // "targets:prerequisites", unexpanded
	targets, prerequisites []string
	recipe                 []recipeLine
}

type recipeLine struct {
	number int
	text   string
}

var (
	assignment = regexp.MustCompile(`^(?:export\s+|override\s+)*([A-Za-z_.][\w.-]*)\s*(\?|\+|:{1,3})?=\s*(.*)$`)
	// directive lines steer make and define nothing that a go build needs.
	directive = regexp.MustCompile(`^(?:ifn?eq|ifn?def|else|endif|-?include|sinclude|define|endef|unexport|vpath)\b`)
)

func (mk *makefile) read(text string) {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		number, line := i+1, lines[i]
		if strings.HasSuffix(line, `\`) { // joined at once: there may be as many continuations as bytes
			var joined strings.Builder
			for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
				i++
				joined.WriteString(line[:len(line)-1] + " ")
				line = strings.TrimLeft(lines[i], " \t")
			}
			line = joined.String() + line
		}
		if recipe, ok := strings.CutPrefix(line, "\t"); ok {
			mk.addRecipe(recipeLine{number, recipe})
			continue
		}
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		if line == "" || directive.MatchString(line) {
			continue
		}
		if m := assignment.FindStringSubmatch(line); m != nil {
			mk.assign(m[1], m[2], m[3])
			continue
		}
		head, recipe, inline := strings.Cut(line, ";")
		targets, _, isRule := strings.Cut(head, ":")
		if !isRule {
			continue
		}
		mk.rules = append(mk.rules, rule{head: head})
		if inline {
			mk.addRecipe(recipeLine{number, recipe})
		}
		if first := strings.Fields(targets); mk.goal == "" && len(first) > 0 && !strings.HasPrefix(first[0], ".") &&
			!strings.Contains(first[0], "%") {
			mk.goal = first[0]
		}
	}
}

func (mk *makefile) addRecipe(line recipeLine) {
	if n := len(mk.rules); n > 0 {
		mk.rules[n-1].recipe = append(mk.rules[n-1].recipe, line)
	}
}

func (mk *makefile) assign(name, operator, value string) {
	old, set := mk.variables[name]
	define := func(value string) {
		mk.variables[name] = new(strings.Builder)
		mk.variables[name].WriteString(value)
	}
	switch {
	case name == ".DEFAULT_GOAL":
		mk.goal = value
	case operator == "?" && set:
	case operator == "+" && set:
		old.WriteString(" " + value)
	case strings.HasPrefix(operator, ":"): // expanded once, here, so that it may name its own older value
		define(strings.ReplaceAll(mk.expand(value, nil), "$", "$$"))
	default:
		define(value)
	}
}

// expandRules fills each rule's targets and prerequisites: only now are all variables known.
func (mk *makefile) expandRules() {
	for i := range mk.rules {
		rule := &mk.rules[i]
		targets, prerequisites, _ := strings.Cut(mk.expand(rule.head, nil), ":")
		rule.targets = strings.Fields(targets)
		rule.prerequisites = strings.Fields(strings.TrimPrefix(prerequisites, ":"))
	}
}

// reachable returns the targets that plain `make` builds: the default goal and all it needs. A rule is followed once, however
// many of its targets are needed.
func (mk *makefile) reachable() map[string]bool {
	making := map[string][]int{} // by target, the rules that make it
	for i, rule := range mk.rules {
		for _, target := range rule.targets {
			making[target] = append(making[target], i)
		}
	}
	followed := make([]bool, len(mk.rules))
	reached := map[string]bool{}
	pending := strings.Fields(mk.expand(mk.goal, nil))
	for len(pending) > 0 {
		target := pending[0]
		pending = pending[1:]
		if reached[target] {
			continue
		}
		reached[target] = true
		for _, i := range making[target] {
			if !followed[i] {
				followed[i] = true
				pending = append(pending, mk.rules[i].prerequisites...)
			}
		}
	}
	return reached
}

const (
	// unknownMark stands for what cannot be known without running make.
	unknownMark = "\uE001"
	// Bounds on expansion: real Makefiles nest twice and expand to some kilobytes; a hostile one doubles at every step.
	expandDepth = 16
	expandLimit = 2 * MaxSize
)

// expand replaces $(NAME), ${NAME} and $X. What make would have to compute, and what no line assigns, becomes unknownMark;
// but an unassigned GO is go.
func (mk *makefile) expand(text string, automatic map[string]string) string {
	return mk.expandWithin(text, automatic, expandDepth)
}

func (mk *makefile) expandWithin(text string, automatic map[string]string, depth int) string {
	var out strings.Builder
	for {
		literal, rest, found := strings.Cut(text, "$")
		if mk.budget -= len(literal) + 1; mk.budget < 0 || depth == 0 {
			return unknownMark
		}
		out.WriteString(literal)
		if !found || rest == "" {
			return out.String()
		}
		var name string
		switch rest[0] {
		case '$':
			out.WriteByte('$')
			text = rest[1:]
			continue
		case '(', '{':
			name, text = bracketed(rest)
		default:
			name, text = rest[:1], rest[1:]
		}
		value, set := mk.variables[name]
		switch {
		case name == "EXT":
			out.WriteString(extMark)
		case automatic[name] != "":
			mk.budget -= len(automatic[name])
			out.WriteString(automatic[name])
		case set:
			out.WriteString(mk.expandWithin(value.String(), automatic, depth-1))
		case name == "GO":
			out.WriteString("go")
		default:
			out.WriteString(unknownMark)
		}
	}
}

// bracketed cuts "(name)rest" or "{name}rest" after the bracket that closes the first one.
func bracketed(s string) (name, rest string) {
	open, shut := s[0], byte(')')
	if open == '{' {
		shut = '}'
	}
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return s[1:i], s[i+1:]
			}
		}
	}
	return s[1:], ""
}
