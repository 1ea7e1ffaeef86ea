package finding

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
)

// formats are the ways to write a report, by name. Each is one file that registers itself.
var formats = map[string]func(io.Writer, *Report) error{}

func register(name string, write func(io.Writer, *Report) error) bool {
	formats[name] = write
	return true
}

// Formats are the names that Write takes: the one for people, then the others, sorted.
func Formats() []string {
	names := slices.Sorted(maps.Keys(formats))
	names = slices.DeleteFunc(names, func(name string) bool { return name == "text" })
	return slices.Insert(names, 0, "text")
}

// Write writes a report in a format, as it goes and not all at once. The error is about writing, or an unknown format.
func Write(w io.Writer, format string, report *Report) error {
	write, known := formats[format]
	if !known {
		return fmt.Errorf("unknown format %q: use one of %q", Cut(format), Formats())
	}
	if format == "text" { // for people, who see what comes beside it on another stream in its order
		if err := write(w, report); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
		return nil
	}
	out := bufio.NewWriter(w)
	if err := write(out, report); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}
