package try

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/setting"
)

// minHidden is the length, in bytes, below which a value is not cut out of messages: it would garble all of them.
const minHidden = 4

// Config is the configuration of a connector.
type Config struct {
	values map[string]string
	// hidden replaces the values that came from a file or from the environment, which makes them secrets whatever the
	// name of their key.
	hidden *strings.Replacer
}

// ParseConfig reads arguments of the form key=value, as setting.Parse does: a value @file is the content of the file, and
// $NAME that of an environment variable. Errors never repeat a value.
func ParseConfig(args []string) (Config, error) {
	c := Config{values: map[string]string{}}
	var pairs []string
	for i, arg := range args {
		s, err := setting.Parse(arg)
		if err != nil {
			return c, fmt.Errorf("configuration %d: %w", i+1, err)
		}
		if s.Key == "location" {
			return c, errors.New("location is an argument of its own, before the configuration")
		}
		if _, twice := c.values[s.Key]; twice {
			return c, fmt.Errorf("%s is given twice", s.Key)
		}
		if s.Secret && len(s.Value) >= minHidden {
			pairs = append(pairs, s.Value, "***")
		}
		c.values[s.Key] = s.Value
	}
	c.hidden = strings.NewReplacer(pairs...)
	return c, nil
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
