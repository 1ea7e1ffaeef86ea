package git

import (
	"context"
	"strconv"
	"strings"
)

// setting is one of git's configuration, as git spells both.
type setting struct{ key, value string }

// asEnvironment is how git takes settings that win over a repository's own, whatever characters they hold.
func asEnvironment(settings []setting) []string {
	env := []string{"GIT_CONFIG_COUNT=" + strconv.Itoa(len(settings))}
	for i, s := range settings {
		n := strconv.Itoa(i)
		env = append(env, "GIT_CONFIG_KEY_"+n+"="+s.key, "GIT_CONFIG_VALUE_"+n+"="+s.value)
	}
	return env
}

// parseSettings reads what git config --null prints. Of one key the last counts.
func parseSettings(printed string) []setting {
	var settings []setting
	for entry := range strings.SplitSeq(printed, "\x00") {
		key, value, found := strings.Cut(entry, "\n")
		if !found {
			value = "true" // so git reads a key without a value
		}
		if key != "" {
			settings = append(settings, setting{key, value})
		}
	}
	return settings
}

// comparing are the settings by which the user's git status compares files, from all of the user's configuration: a clone
// has the line ends that these asked for. They name files and no programs.
func comparing(ctx context.Context, dir string) ([]setting, error) {
	printed, _, err := question{dir: dir}.run(ctx, environment("GIT_CONFIG_"), []string{
		"config", "--null", "--get-regexp", `^core\.(autocrlf|excludesfile|attributesfile)$`})
	return parseSettings(printed), err
}

// unfiltered are the settings that start no program in dir: no file system monitor, and none of the filters that the
// repository's configuration has.
func unfiltered(ctx context.Context, dir string) ([]setting, error) {
	filters, _, err := Output(ctx, dir, "config", "--null", "--get-regexp", `^filter\.`)
	settings := []setting{{"core.fsmonitor", "false"}}
	for _, filter := range parseSettings(filters) {
		switch filter.key[strings.LastIndex(filter.key, ".")+1:] {
		case "clean", "process":
			settings = append(settings, setting{filter.key, ""})
		case "required":
			settings = append(settings, setting{filter.key, "false"})
		}
	}
	return settings, err
}
