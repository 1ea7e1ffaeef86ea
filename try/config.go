package try

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	// maxSecretFile is the largest file a value is read from, in bytes.
	maxSecretFile = 1 << 20
	// minHidden is the length, in bytes, below which a value is not cut out of messages: it would garble all of them.
	minHidden = 4
)

// Config is the configuration of a connector.
type Config struct {
	values map[string]string
	// hidden replaces the values that came from a file or from the environment, which makes them secrets whatever the
	// name of their key.
	hidden *strings.Replacer
}

// ParseConfig reads arguments of the form key=value. A value @file is the content of the file, without the newline at its
// end, and $NAME that of an environment variable. Errors never repeat a value.
func ParseConfig(args []string) (Config, error) {
	c := Config{values: map[string]string{}}
	var pairs []string
	for i, arg := range args {
		key, value, found := strings.Cut(arg, "=")
		switch {
		case !found || key == "":
			return c, fmt.Errorf("configuration %d is not of the form key=value", i+1)
		case key == "location":
			return c, errors.New("location is an argument of its own, before the configuration")
		}
		if _, twice := c.values[key]; twice {
			return c, fmt.Errorf("%s is given twice", key)
		}
		value, hide, err := resolve(value)
		if err != nil {
			return c, fmt.Errorf("%s: %w", key, err)
		}
		if hide && len(value) >= minHidden {
			pairs = append(pairs, value, "***")
		}
		c.values[key] = value
	}
	c.hidden = strings.NewReplacer(pairs...)
	return c, nil
}

// resolve returns what a value stands for, and whether it is kept out of messages.
func resolve(value string) (resolved string, hide bool, err error) {
	if path, ok := strings.CutPrefix(value, "@"); ok {
		resolved, err := readValue(path)
		return resolved, true, err
	}
	if name, ok := strings.CutPrefix(value, "$"); ok {
		resolved, set := os.LookupEnv(name)
		if !set {
			return "", true, errors.New("there is no such environment variable; " +
				"a value that itself begins with $ or @ can be given in a file, as @file")
		}
		return resolved, true, nil
	}
	return value, false, nil
}

func readValue(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading its value: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", fmt.Errorf("reading its value: %w", err)
	}
	if len(data) > maxSecretFile {
		return "", fmt.Errorf("%s is larger than %d bytes, too large for a value", path, maxSecretFile)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}

// cut returns the text without the hidden values.
func (c Config) cut(text string) string {
	if c.hidden == nil {
		return text
	}
	return c.hidden.Replace(text)
}

// cutError returns err with its text changed by cut; err itself when there is nothing to change.
func cutError(err error, cut func(string) string) error {
	if err == nil {
		return nil
	}
	if text := cut(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// cutWriter writes lines without the hidden values. Each Write is of whole lines.
type cutWriter struct {
	to     io.Writer
	config Config
}

func (w cutWriter) Write(line []byte) (int, error) {
	if _, err := io.WriteString(w.to, w.config.cut(string(line))); err != nil {
		return 0, err
	}
	return len(line), nil
}
