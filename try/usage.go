package try

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/remote"
)

// UsageError is a mistake of whoever gave the arguments, found before anything was started. It never repeats a value that
// may be a secret.
type UsageError struct{ error }

func (e UsageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// Order says in which order a command takes its arguments, in the names that its usage has for them.
type Order []string

// The arguments of a backup and of a restore, before the configuration.
var (
	BackupOrder  = Order{"PACKAGE", "LOCATION"}
	RestoreOrder = Order{"PACKAGE", "LOCATION", "FILE"}
	// StoreOrder is that of both with a store.
	StoreOrder = Order{"PACKAGE", "LOCATION", "STORE"}
)

const (
	locationArgument = "LOCATION"
	storeArgument    = "STORE" // a location, too
)

// Check tells arguments that are missing, swapped or too many. What an argument is can often be seen; where it cannot, it
// is taken for what is due.
func (o Order) Check(args []string) error {
	for i, name := range o {
		if i == len(args) || isSetting(args[i]) {
			return usagef("%s is missing", name)
		}
		if name == storeArgument {
			continue
		}
		due := slices.Index(o, locationArgument)
		here := isLocation(args[i])
		if i != due && remote.Is(args[i]) && due < len(args) && isLocation(args[due]) {
			here = false // packages and data files are on web servers too
		}
		switch elsewhere := slices.ContainsFunc(args, isLocation); {
		case i < due && here:
			return usagef("%s comes before %s", name, locationArgument)
		case i > due && here, i == due && !here && elsewhere && len(o) > due+1 && o[due+1] != storeArgument:
			return usagef("%s comes before %s", locationArgument, o[due+1])
		case i == due && !here && elsewhere && isFile(args[i]) && o[len(o)-1] != storeArgument:
			return tooMany(args[i])
		}
	}
	for i, arg := range args[len(o):] {
		switch {
		case isSetting(arg):
		case isLocation(arg):
			return usagef("LOCATION is given twice; argument %d is one too", len(o)+i+1)
		case isFile(arg):
			return tooMany(arg)
		}
	}
	return nil
}

func tooMany(name string) error {
	if !isThere(name) {
		return usagef("%s is one argument too many; a data file to be made is named with -o", name)
	}
	return usagef("%s is one file too many; does a * stand for several?", name)
}

var (
	locationForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:`) // more than the one letter of a disk of Windows
	settingForm  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*=`)
)

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isThere(arg string) bool {
	_, err := os.Stat(arg)
	return err == nil
}

func isLocation(arg string) bool { return locationForm.MatchString(arg) && !isThere(arg) }
func isSetting(arg string) bool  { return settingForm.MatchString(arg) && !isThere(arg) }

func isFile(arg string) bool {
	return !strings.Contains(arg, "=") && (filepath.Ext(arg) == ".ptar" || isThere(arg))
}

// CheckOutput refuses what cannot be meant as the name of a data file.
func CheckOutput(name string) error {
	switch {
	case name == "-":
		return usagef("a data file cannot be written to the standard output: name a file")
	case strings.HasSuffix(name, "/") || strings.HasSuffix(name, string(filepath.Separator)) || isFolder(name):
		return usagef("%s is a folder: name a file in it", name)
	case isSetting(name):
		return usagef("-o names the data file; the configuration needs no -o: KEY=VALUE goes after LOCATION as it is")
	}
	return nil
}
