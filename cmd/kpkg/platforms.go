package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/executable"
)

// platforms is the --platform flag: "all", or a list that may come in several parts.
type platforms struct {
	all    bool
	chosen []executable.Platform
}

func (p *platforms) String() string {
	if p.all {
		return "all"
	}
	names := make([]string, len(p.chosen))
	for i, platform := range p.chosen {
		names[i] = platform.String()
	}
	return strings.Join(names, ",")
}

func (p *platforms) Type() string { return "platforms" }

func (p *platforms) Set(s string) error {
	switch {
	case s == "all":
		p.all = true
	case slices.Contains([]string{"host", "local", "native", "current"}, s):
		return errors.New("this machine's is the default: leave --platform out, or write " + executable.Host().String())
	case strings.EqualFold(s, "all"):
		return fmt.Errorf("there is no platform %q; did you mean \"all\"?", s)
	default:
		more, err := executable.ParsePlatforms(s)
		if err != nil {
			return err
		}
		for _, platform := range more {
			if !slices.Contains(p.chosen, platform) {
				p.chosen = append(p.chosen, platform)
			}
		}
	}
	if p.all && len(p.chosen) > 0 {
		return errors.New("all and a list exclude each other")
	}
	return nil
}
