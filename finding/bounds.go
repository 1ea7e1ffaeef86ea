package finding

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// A report is read by people and kept by CI systems, and what it is about may have been made to hurt them: packages,
// manifests and plugins hold strings of megabytes and faults by the thousand. What is said stays within these bounds,
// whatever is judged. Counts are never cut.
const (
	// maxString is how much of one string out of a stranger's file is shown, in bytes as they are printed: what one line of a
	// wide terminal holds.
	maxString = 200
	// maxMessage is the most that a message or a hint is long: an error that went through several hands, with a path in it.
	maxMessage = 2000
	// maxPath is the most of a file's name. Linux knows no longer ones, so that no real name is cut.
	maxPath = 4096
	// maxOfKind is how many findings of one rule and severity are shown of one thing that is judged. Who mends the first
	// thirty knows what the rest is about.
	maxOfKind = 30
	// maxText is the most that all findings of a report say together: what CI systems still show as one log, and what
	// anybody may read. Errors come into it first.
	maxText = 1 << 20
	// maxCase is the most that one case of JUnit's XML says, be it a compiler's output.
	maxCase = 64 << 10
)

// Cut is a string out of a stranger's file as messages show it: cut where it is longer than a line, with its true length.
func Cut(s string) string { return cut(s, maxString) }

// CutMessage is Cut for a message, which may be some lines long.
func CutMessage(s string) string { return cut(s, maxMessage) }

// roomForLength is what the end of a string that is cut may take, so that cutting again changes nothing.
const roomForLength = len("... (9223372036854775807 bytes)")

// cut counts what Printable makes of the string, and looks at no more of it than is shown.
func cut(s string, limit int) string {
	if len(s) <= limit && len(Printable(s)) <= limit {
		return s
	}
	width := 0
	for i := 0; i < len(s); {
		_, size := utf8.DecodeRuneInString(s[i:])
		width += len(Printable(s[i : i+size]))
		if width > limit-roomForLength {
			return fmt.Sprintf("%s... (%d bytes)", s[:i], len(s))
		}
		i += size
	}
	return s
}

// Sprintf is fmt.Sprintf that cuts each string among its arguments as Cut does, and each error to what a message holds.
func Sprintf(format string, args ...any) string {
	shown := make([]any, len(args))
	for i, arg := range args {
		switch arg := arg.(type) {
		case string:
			shown[i] = Cut(arg)
		case []string:
			short := make([]string, len(arg))
			for j, s := range arg {
				short[j] = Cut(s)
			}
			shown[i] = short
		case error:
			shown[i] = cut(arg.Error(), maxMessage/2)
		default:
			shown[i] = arg
		}
	}
	return fmt.Sprintf(format, shown...)
}

// Bound is what a report of these findings alone shows of them: see Report.Add.
func Bound(findings []Finding) []Finding {
	left := maxText
	return bound(findings, &left)
}

// kind is what findings are summed by.
type kind struct {
	rule     string
	severity Severity
}

// bound keeps the first findings of each kind and, of those, what fits into the bytes left, errors first. What is left out
// is summed: its kind behind the last that is shown, what did not fit at the end. The order stays, and bounding again
// changes nothing.
func bound(findings []Finding, left *int) []Finding {
	shown, omitted, last := map[kind]int{}, map[kind]int{}, map[kind]int{}
	var kept []Finding
	for _, f := range findings {
		k := kind{f.Rule, f.Severity}
		if f.More > 0 || shown[k] == maxOfKind {
			omitted[k] += f.count()
			continue
		}
		shown[k]++
		last[k] = len(kept)
		f.File, f.Message, f.Hint = cut(f.File, maxPath), cut(f.Message, maxMessage), cut(f.Hint, maxMessage)
		kept = append(kept, f)
	}
	fits := make([]bool, len(kept))
	beyond := [len(severities)]int{}
	for _, severity := range slices.Backward([]Severity{Info, Warning, Error}) {
		for i, f := range kept {
			if f.Severity != severity {
				continue
			}
			size := len(Printable(f.File)) + len(Printable(f.Message)) + len(Printable(f.Hint)) + len(f.Rule)
			if fits[i] = size <= *left; fits[i] {
				*left -= size
			} else {
				beyond[severity]++
			}
		}
	}
	var result []Finding
	for i, f := range kept {
		if fits[i] {
			result = append(result, f)
		}
		if k := (kind{f.Rule, f.Severity}); last[k] == i && omitted[k] > 0 {
			result = append(result, Finding{
				Rule: f.Rule, Severity: f.Severity, File: f.File, More: omitted[k],
				Message: fmt.Sprintf("and %d more of this kind", omitted[k]),
			})
			delete(omitted, k)
		}
	}
	// Sums of earlier bounds, of which nothing else is here.
	for _, f := range findings {
		if k := (kind{f.Rule, f.Severity}); omitted[k] > 0 {
			f.More = omitted[k]
			result = append(result, f)
			delete(omitted, k)
		}
	}
	for severity, n := range slices.Backward(beyond[:]) {
		if n > 0 {
			result = append(result, Finding{
				Rule: "findings-omitted", Severity: Severity(severity), More: n,
				Message: fmt.Sprintf("%d more of severity %s: a report says no more than %d bytes", n, Severity(severity), maxText),
			})
		}
	}
	return result
}
