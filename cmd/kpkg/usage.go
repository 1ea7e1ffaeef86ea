package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/suggest"
	"github.com/PlakarKorp/kpkg/manifest"
)

// usageError is a mistake on the command line.
type usageError struct{ error }

// usageOf is a usageError of an error that wraps what says that it is one, without saying that.
func usageOf(err, sentinel error) error {
	return usageError{errors.New(strings.TrimPrefix(err.Error(), sentinel.Error()+": "))}
}

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// otherWords are what other tools call what a command of kpkg does.
var otherWords = map[string]string{
	"build": "create", "compile": "create", "make": "create", "package": "create",
	"lint": "validate", "vet": "validate",
	"list": "ls", "show": "inspect", "info": "inspect", "unpack": "extract", "untar": "extract",
	"backup": "try backup", "restore": "try restore",
}

// otherTrials are other words for what kpkg try does.
var otherTrials = map[string]string{"list": "ls", "import": "backup", "export": "restore", "save": "backup"}

// otherFlags are what other tools call what flags of kpkg say, by the flag that a command must have.
var otherFlags = map[string]struct{ has, meant string }{
	"json":     {"format", "--format json"},
	"junit":    {"format", "--format junit"},
	"no-color": {"color", "--color never"},
	"debug":    {"verbose", "--verbose"},
	"out":      {"out-dir", "--out-dir"},
	"arch":     {"platform", "--platform"},
	"os":       {"platform", "--platform"},
	"target":   {"platform", "--platform"},
	"parallel": {"jobs", "--jobs"},
}

// strictUsage has all commands below root refuse what they do not understand, in the same words.
func strictUsage(root *cobra.Command) {
	root.SetFlagErrorFunc(flagError)
	eachCommand(root, func(cmd *cobra.Command) {
		if cmd.HasSubCommands() {
			cmd.Args = func(cmd *cobra.Command, args []string) error {
				if len(args) > 0 {
					return unknownCommand(cmd, args[0])
				}
				return nil
			}
			if cmd.RunE == nil {
				cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			}
		} else {
			own := cmd.Args
			cmd.Args = func(cmd *cobra.Command, args []string) error {
				if err := checkArguments(cmd, args); err != nil || own == nil {
					return err
				}
				if err := own(cmd, args); err != nil {
					return usageError{err}
				}
				return nil
			}
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !repeatable[f.Value.Type()] {
				f.Value = &once{Value: f.Value}
			}
		})
	})
}

func eachCommand(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, sub := range cmd.Commands() {
		eachCommand(sub, f)
	}
}

// unknownCommand is what is said of a word that is no command of parent.
func unknownCommand(parent *cobra.Command, word string) error {
	var names []string
	for _, sub := range parent.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			names = append(names, sub.Name())
		}
	}
	if len(names) == 0 {
		return usagef("%s has no commands of its own, as %q", parent.CommandPath(), finding.Cut(word))
	}
	if !parent.HasParent() {
		if command := commandFor(word); command != "" {
			return usagef("%q is no command; did you mean kpkg %s %[1]s?", finding.Cut(word), command)
		}
	}
	message := fmt.Sprintf("unknown command %q", finding.Cut(word))
	others := otherTrials
	if !parent.HasParent() {
		others = otherWords
	}
	closest := cmp.Or(others[word], suggest.Closest(word, names))
	if closest == "" && len(word) > len("vet") {
		closest = others[suggest.Closest(word, slices.Collect(maps.Keys(others)))]
	}
	if closest != "" {
		return usagef("%s; did you mean %q?", message, closest)
	}
	return usagef("%s; %s has %s", message, parent.CommandPath(), strings.Join(names, ", "))
}

// commandFor is the command for a file that stands where a command is expected; "" if it is none.
func commandFor(word string) string {
	info, err := os.Stat(word)
	switch {
	case filepath.Ext(word) == manifest.Extension:
		return "verify"
	case err == nil && info.IsDir() || slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(word)):
		return "create"
	}
	return ""
}

// checkArguments counts the arguments of a command by what its line of usage names.
func checkArguments(cmd *cobra.Command, args []string) error {
	for _, arg := range args {
		if key, _, found := strings.Cut(arg, "="); found && cmd.Flags().Lookup("config") != nil && !exists(arg) {
			return usagef("settings of connectors are given with --config, as in --config %s=...", finding.Cut(key))
		}
	}
	needed, most := placeholders(cmd.Use)
	if len(args) < len(needed) {
		missing := needed[len(args):]
		verb := "is"
		if len(missing) > 1 {
			verb = "are"
		}
		message := fmt.Sprintf("%s %s missing: %s", english.WordSeries(missing, "and"), verb, usageLine(cmd))
		if example, _, _ := strings.Cut(strings.TrimSpace(cmd.Example), "\n"); example != "" {
			message += ", as in: " + strings.TrimSuffix(example, " \\")
		}
		return usageError{errors.New(message)}
	}
	if most >= 0 && len(args) > most {
		return usagef("%q is one argument too many: %s", finding.Cut(args[most]), usageLine(cmd))
	}
	return nil
}

func usageLine(cmd *cobra.Command) string {
	return cmd.CommandPath() + strings.TrimPrefix(cmd.Use, cmd.Name())
}

// placeholders are the arguments that a line of usage demands, and how many it takes at most; -1 for any number.
func placeholders(use string) (needed []string, most int) {
	for _, word := range strings.Fields(use)[1:] {
		if strings.HasPrefix(word, "-") {
			break
		}
		name := strings.TrimSuffix(word, "...")
		if !strings.HasPrefix(word, "[") {
			needed = append(needed, name)
		}
		if most++; strings.Contains(word, "...") {
			return needed, -1
		}
	}
	return needed, most
}

// flagError says what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var valueless *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown)
	case errors.As(err, &valueless):
		f := valueless.GetFlag()
		name, _ := pflag.UnquoteUsage(f)
		return usagef("%s needs a value: %[1]s %s", written(f, valueless.GetSpecifiedShortnames() != ""), name)
	case errors.As(err, &invalid):
		return invalidValue(invalid)
	}
	return usageError{err}
}

func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	name := unknown.GetSpecifiedName()
	var known, begin []string // all names, and those that a short one may stand for
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
			if f.Shorthand == "" && f.Name[0] == strings.ToLower(name)[0] && f.Name != "json" { // which has a longer form
				begin = append(begin, f.Name)
			}
		}
	})
	message := "unknown flag: --" + finding.Cut(name)
	meant := suggest.Closest(name, known)
	if group := unknown.GetSpecifiedShortnames(); group != "" {
		message = "unknown flag: -" + finding.Cut(name)
		word, _, _ := strings.Cut(group, "=")
		switch {
		case len(word) > 1:
			meant = suggest.Closest(word, known)
		case len(begin) == 1:
			meant = begin[0]
		default:
			meant = ""
		}
	}
	other, isOther := otherFlags[name]
	switch {
	case (name == "version" || name == "tag") && cmd.Name() == "create":
		message += "; the version goes last, as in kpkg create . v1.2.3"
	case isOther && cmd.Flags().Lookup(other.has) != nil:
		message += "; did you mean " + other.meant + "?"
	case meant != "":
		message += "; did you mean --" + meant + "?"
	case strings.Contains(cmd.Use, "KEY=VALUE"):
		message += "; settings of the connector are given as KEY=VALUE, without dashes"
	case cmd.Flags().Lookup("config") != nil:
		message += "; settings of the connector are given with --config KEY=VALUE"
	}
	return usageError{errors.New(message)}
}

func invalidValue(invalid *pflag.InvalidValueError) error {
	f := invalid.GetFlag()
	value := finding.Cut(invalid.GetValue())
	switch {
	case errors.Is(invalid, errTwice):
		return usagef("%s is given twice, and takes one value", written(f, f.Shorthand != ""))
	case f.Value.Type() == "bool":
		return usagef("--%s takes no value, such as %q", f.Name, value)
	case f.Value.Type() == "int":
		return usagef("--%s %s: it takes a whole number", f.Name, value)
	}
	return usagef("--%s: %w", f.Name, invalid.Unwrap())
}

// written is how a flag is written on the command line.
func written(f *pflag.Flag, short bool) string {
	if short {
		return "-" + f.Shorthand
	}
	return "--" + f.Name
}

var errTwice = errors.New("given twice")

// repeatable are the types of flags that may be given more than once.
var repeatable = map[string]bool{
	"bool": true, "platforms": true, "connector": true, "setting": true, "checks": true, "keys": true, "list": true, "output": true,
	"stringArray": true,
}

// once is a flag that is given once: of two the first would be dropped in silence.
type once struct {
	pflag.Value
	given bool
}

func (o *once) Set(s string) error {
	if o.given && !completing {
		return errTwice
	}
	o.given = true
	return o.Value.Set(s)
}

// checkPaths refuses what stands for a file and cannot: nothing, as of --rebuild "$DIR" with a variable that is not set, which
// would count as not given; an address; and a "~" that the shell has left as it is.
func checkPaths(cmd *cobra.Command, args []string) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		value := f.Value.String()
		placeholder, _ := pflag.UnquoteUsage(f)
		isPath := slices.Contains([]string{"FILE", "DIR", "FOLDER"}, placeholder)
		switch {
		case f.Value.Type() == "string" && value == "":
			err = usagef("--%s has no value", f.Name)
		case isPath && strings.Contains(value, "://"):
			err = usagef("%s %s is an address, not a file or folder of this machine", written(f, f.Shorthand != ""), finding.Cut(value))
		case isPath && isHome(value):
			err = homeError(value)
		}
	})
	for _, arg := range args {
		if isHome(arg) && !exists(arg) {
			err = homeError(arg)
		}
	}
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// isHome tells a path in the user's home as people write it for a shell.
func isHome(path string) bool { return path == "~" || strings.HasPrefix(path, "~/") }

func homeError(path string) error {
	return usagef("%s: the shell replaces ~ only at the begin of a word without quotes; write $HOME%s", finding.Cut(path),
		finding.Cut(path[1:]))
}
