package try

import (
	"context"
	"errors"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/setting"
)

// Config is the configuration of a connector.
type Config struct {
	values map[string]string
	// secrets are the values that came from a file or from the environment, which makes them secrets whatever the name of
	// their key.
	secrets []string
}

// ParseConfig reads arguments of the form key=value, as setting.Parse does: a value @file is the content of the file, and
// $NAME that of an environment variable. Errors never repeat a value; they are UsageErrors, or the one that ended ctx.
func ParseConfig(ctx context.Context, args []string) (Config, error) {
	c := Config{values: map[string]string{}}
	for i, arg := range args {
		s, err := setting.Parse(ctx, arg)
		if key, _, found := strings.Cut(arg, "="); !found || key == "" {
			return c, usagef("setting %d of the connector is not of the form KEY=VALUE", i+1)
		}
		if ctx.Err() != nil {
			return c, context.Cause(ctx)
		}
		if err != nil {
			return c, UsageError{err}
		}
		if s.Key == "location" {
			return c, usagef("location is an argument of its own, before the configuration")
		}
		if _, twice := c.values[s.Key]; twice {
			return c, usagef("%s is given twice", s.Key)
		}
		if s.Secret {
			c.secrets = append(c.secrets, s.Value)
		}
		c.values[s.Key] = s.Value
	}
	return c, nil
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
