// Package setting reads the key=value arguments that configure a connector. A value can be kept out of the command line, in
// a file or in the environment.
//
// It refuses to repeat a value: what it could not read may be a secret in the wrong place. Only what has the form of a name,
// $NAME or @name.txt, is named.
package setting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/interruptible"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

// inFile is what to do with a value that means no file and no variable.
const inFile = "give a value that itself begins with %s in a file, as @file"

var (
	variableName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)
	fileName     = regexp.MustCompile(`\.[a-z]{2,5}$`)
)

// ErrForm is why an argument is no setting.
var ErrForm = errors.New("not of the form KEY=VALUE")

// maxFile is the largest file a value is read from, in bytes.
const maxFile = 1 << 20

// Setting is one key of a configuration.
type Setting struct {
	Key, Value string
	// Secret tells a value that came from a file or from the environment, which is a secret whatever its key is called.
	Secret bool
}

// Parse reads key=value. The value @file stands for the content of the file, of at most 1 MiB and without the newline at
// its end, and $NAME for that of an environment variable. The file may be a pipe, such as a shell's <(command); the end of ctx
// ends the waiting for it.
func Parse(ctx context.Context, arg string) (Setting, error) {
	key, value, found := strings.Cut(arg, "=")
	if !found || key == "" {
		return Setting{}, ErrForm
	}
	return resolve(key, value, func(path string) ([]byte, error) {
		return interruptible.Read(ctx, func() (io.ReadCloser, error) { return os.Open(path) }, maxFile+1)
	})
}

// Resolve takes the value of a key for what Parse does, with files relative to the folder dir, which must be regular ones:
// others may be a stranger's, where those of a command line are the user's own.
func Resolve(key, value, dir string) (Setting, error) {
	return resolve(key, value, func(path string) ([]byte, error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		return regular.Read(path, maxFile+1)
	})
}

func resolve(key, value string, read func(path string) ([]byte, error)) (Setting, error) {
	s := Setting{Key: key, Value: value}
	var err error
	if path, ok := strings.CutPrefix(value, "@"); ok {
		s.Secret = true
		s.Value, err = fromFile(path, read)
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
	bare := strings.Trim(name, "{}")
	switch {
	case set:
		return value, nil
	case variableName.MatchString(name):
		return "", fmt.Errorf("there is no environment variable %s", name)
	case variableName.MatchString(bare):
		return "", fmt.Errorf("write $%s: braces are the shell's", bare)
	}
	return "", fmt.Errorf("there is no environment variable of the name after the $; "+inFile, "$")
}

func fromFile(path string, read func(path string) ([]byte, error)) (string, error) {
	data, err := read(path)
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	// What was taken for a path may be a secret.
	var named *fs.PathError
	var special *regular.Error
	switch {
	case errors.As(err, &named):
		err = named.Err
	case errors.As(err, &special):
		err = errors.New("it is " + regular.AKind(special.Mode))
	}
	switch {
	case err == nil:
	case strings.HasPrefix(path, "~/") && fileName.MatchString(path):
		return "", fmt.Errorf("write @$HOME%s: the shell replaces no ~ within a word", path[1:])
	case fileName.MatchString(path):
		return "", fmt.Errorf("cannot read %s: %w", path, err)
	default:
		return "", fmt.Errorf("cannot read the file after the @: %w; "+inFile, err, "@")
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}
