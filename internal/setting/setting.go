// Package setting reads the key=value arguments that configure a connector. A value can be kept out of the command line, in
// a file or in the environment.
//
// It refuses to repeat a value: what it could not read may be a secret in the wrong place. Only what has the form of a name,
// $NAME or @name.txt, is named.
package setting

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// inFile is what to do with a value that means no file and no variable.
const inFile = "give a value that itself begins with %s in a file, as @file"

var (
	variableName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)
	fileName     = regexp.MustCompile(`\.[a-z]{2,5}$`)
)

// maxFile is the largest file a value is read from, in bytes.
const maxFile = 1 << 20

// Setting is one key of a configuration.
type Setting struct {
	Key, Value string
	// Secret tells a value that came from a file or from the environment, which is a secret whatever its key is called.
	Secret bool
}

// Parse reads key=value. The value @file stands for the content of the file, of at most 1 MiB and without the newline at
// its end, and $NAME for that of an environment variable.
func Parse(arg string) (Setting, error) {
	key, value, found := strings.Cut(arg, "=")
	if !found || key == "" {
		return Setting{}, errors.New("not of the form key=value")
	}
	return Resolve(key, value, "")
}

// Resolve takes the value of a key for what Parse does. A file is relative to the folder dir, the current one if it is "".
// One in a folder must be a regular file: it may be a stranger's pipe, where one of a command line is the user's own.
func Resolve(key, value, dir string) (Setting, error) {
	s := Setting{Key: key, Value: value}
	var err error
	if path, ok := strings.CutPrefix(value, "@"); ok {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		s.Secret = true
		if info, statErr := os.Stat(path); dir != "" && statErr == nil && !info.Mode().IsRegular() {
			return Setting{}, fmt.Errorf("%s: reading its value from a file: it is none", key)
		}
		s.Value, err = fromFile(path)
	} else if name, ok := strings.CutPrefix(value, "$"); ok {
		s.Secret = true
		s.Value, err = fromEnvironment(name)
	}
	if err != nil {
		return Setting{}, fmt.Errorf("%s: %w", key, err)
	}
	return s, nil
}

func fromEnvironment(name string) (string, error) {
	value, set := os.LookupEnv(name)
	if !set {
		if !variableName.MatchString(name) {
			name = "of the name after the $"
		}
		return "", fmt.Errorf("there is no environment variable %s; "+inFile, name, "$")
	}
	return value, nil
}

func fromFile(path string) (string, error) {
	data, err := readFile(path)
	var named *fs.PathError
	if errors.As(err, &named) {
		err = named.Err // what was taken for a path may be a secret
	}
	if err != nil {
		if !fileName.MatchString(path) {
			path = "the file after the @"
		}
		return "", fmt.Errorf("read %s: %w; "+inFile, path, err, "@")
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	return data, err
}
