package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/sdk/settings"
)

// Whether a connector and the schema of its configuration agree. plakar's clients show users the schema, and those to come go by
// it; to a released client it is what users read. What both say of the location is left alone: plakar always gives one.

var settingsChecks = []Check{
	{ID: "plugin-schema-accepts", Title: "the validator accepts the configuration that Init accepts", needs: needsValidator,
		run: pluginSchemaAccepts},
	{ID: "plugin-schema-required", Title: "Init refuses a configuration without a key that the validator requires",
		needs: needsValidator, run: pluginSchemaRequired},
	{ID: "plugin-schema-refuses", Title: "Init refuses values that the validator refuses", needs: needsValidator,
		run: pluginSchemaRefuses},
	{ID: "plugin-schema-defaults", Title: "Init accepts the defaults of the validator", needs: needsValidator,
		run: pluginSchemaDefaults},
}

var needsValidator = []requirement{hasLocation, hasValidator}

// oddValues are such that a schema that says anything of a value refuses one of them.
var oddValues = []string{"kpkg-test-no-such-value", "", "-1", "99999999999999999999", "yes", "0.5", strings.Repeat("x", 5000)}

// validator is what is looked at of a schema.
type validator struct {
	Required   []string
	Properties map[string]struct{ Default any }
}

// validator is that of the connector, without the location.
func (s *subject) validator() (validator, error) {
	var v validator
	if err := json.Unmarshal(s.config.Validator, &v); err != nil {
		return v, skipf("the validator has another form than plakar expects: kpkg validate has more")
	}
	delete(v.Properties, "location")
	v.Required = slices.DeleteFunc(v.Required, func(key string) bool { return key == "location" })
	return v, nil
}

// refusal is why the schema refuses a configuration, nil if it does not.
func (s *subject) refusal(config map[string]string) error {
	return settings.Decode(s.config.Validator, config, &map[string]any{})
}

// accepted is the configuration that was given, which both accept: otherwise nothing can be said of what is changed in it.
func (s *subject) accepted() (map[string]string, validator, error) {
	v, err := s.validator()
	given := s.settings(s.place())
	if err == nil && s.refusal(given) != nil {
		err = skipf("not judged, because the validator refuses the configuration that was given")
	}
	return given, v, err
}

func pluginSchemaAccepts(ctx context.Context, s *subject) error {
	given := s.settings(s.place())
	if _, _, err := s.connect(ctx, given); err != nil {
		return err
	}
	if err := s.refusal(given); err != nil {
		return fmt.Errorf("Init accepts the configuration, and the validator says: %w", err)
	}
	return nil
}

func pluginSchemaRequired(ctx context.Context, s *subject) error {
	given, v, err := s.accepted()
	if err != nil {
		return err
	}
	for _, key := range v.Required {
		without := maps.Clone(given)
		delete(without, key)
		if s.refusal(without) == nil {
			continue // it has a default
		}
		if err := s.isRefused(ctx, without); err != nil {
			return fmt.Errorf("without %s, which the validator requires, %w", key, err)
		}
	}
	return nil
}

func pluginSchemaRefuses(ctx context.Context, s *subject) error {
	given, v, err := s.accepted()
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(v.Properties)) {
		for _, value := range oddValues {
			other := maps.Clone(given)
			other[key] = value
			reason := s.refusal(other)
			if reason == nil {
				continue
			}
			if err := s.isRefused(ctx, other); err != nil {
				return fmt.Errorf("with %s as %s the validator says %q, and %w", shownValue(value), key, reason, err)
			}
			break // each value costs a process, and one of a kind says enough
		}
	}
	return nil
}

// shownValue is an odd value in words that fit a line.
func shownValue(value string) string {
	if len(value) > 100 {
		return fmt.Sprintf("a text of %d characters", len(value))
	}
	return fmt.Sprintf("%q", value)
}

var errTaken = errors.New("Init accepts it")

// isRefused holds that Init refuses a configuration.
func (s *subject) isRefused(ctx context.Context, config map[string]string) error {
	p, _, err := s.connect(ctx, config)
	if p != nil {
		defer p.Kill()
	}
	if err == nil {
		return errTaken
	}
	return nil
}

// pluginSchemaDefaults gives the defaults of what was not given: they hold anyway, and to say so changes nothing.
func pluginSchemaDefaults(ctx context.Context, s *subject) error {
	given, v, err := s.accepted()
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(v.Properties)) {
		value := v.Properties[key].Default
		if _, has := given[key]; has || value == nil {
			continue
		}
		with := maps.Clone(given)
		if text, isText := value.(string); isText {
			with[key] = text
		} else {
			encoded, err := json.Marshal(value)
			if err != nil {
				return skipf("the default of %s is no JSON: %v", key, err)
			}
			with[key] = string(encoded)
		}
		p, _, err := s.connect(ctx, with)
		if p != nil {
			p.Kill()
		}
		if err != nil {
			return fmt.Errorf("with %s as %s, its default: %w", shownValue(with[key]), key, err)
		}
	}
	return nil
}
