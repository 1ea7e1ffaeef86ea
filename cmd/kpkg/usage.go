package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/suggest"
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
	"build": "create", "compile": "create", "make": "create", "pack": "create", "package": "create",
	"lint": "validate", "vet": "validate",
	"check":  "verify",
	"backup": "try backup", "restore": "try restore", "ls": "try ls",
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
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
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
	message := fmt.Sprintf("unknown command %q", finding.Cut(word))
	if !parent.HasParent() && otherWords[word] != "" {
		return usagef("%s; did you mean %q?", message, otherWords[word])
	}
	if hint := suggest.DidYouMean(word, names); hint != "" {
		return usagef("%s; %s", message, hint)
	}
	return usagef("%s; %s has %s", message, parent.CommandPath(), strings.Join(names, ", "))
}

// checkArguments counts the arguments of a command by what its line of usage names.
func checkArguments(cmd *cobra.Command, args []string) error {
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
	if unknown.GetSpecifiedShortnames() != "" {
		return usagef("unknown flag: -%s", finding.Cut(name))
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	message := "unknown flag: --" + finding.Cut(name)
	if closest := suggest.Closest(name, known); closest != "" {
		message += "; did you mean --" + closest + "?"
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
var repeatable = map[string]bool{"bool": true, "platforms": true, "connector": true, "setting": true, "checks": true, "keys": true, "output": true}

// once is a flag that is given once: of two the first would be dropped in silence.
type once struct {
	pflag.Value
	given bool
}

func (o *once) Set(s string) error {
	if o.given {
		return errTwice
	}
	o.given = true
	return o.Value.Set(s)
}

// refuseEmpty makes an error of a text given as a flag that is empty, such as --rebuild "$DIR" with a variable that is not
// set: it would count as not given.
func refuseEmpty(flags *pflag.FlagSet) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" {
			err = usagef("--%s has no value", f.Name)
		}
	})
	return err
}
