package diff

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/PlakarKorp/kpkg/manifest"
)

// Change is one difference, as those who use the integration see it.
type Change struct {
	// Kind is a stable word, such as "option-removed".
	Kind string `json:"kind"`
	// Subject is what it is about: a TYPE:PROTOCOL, an option of one, a platform.
	Subject string `json:"subject"`
	// Message says what changed, in one line.
	Message string `json:"message"`
	// Step is the one that the version has to take for it.
	Step Step `json:"step"`
}

// Compare lists what the side now changes, the changes that ask for the largest step first.
//
// Connectors are told apart by type and protocol, which is how a location finds them: where they stand in the manifest and
// which executable serves them is the integration's own affair.
func Compare(old, now Side) []Change {
	c := &comparison{}
	before, after := connectors(old), connectors(now)
	for _, key := range slices.Sorted(maps.Keys(before)) {
		if now, found := after[key]; found {
			c.connector(key, before[key], now)
		} else if kind, _, _ := strings.Cut(key, ":"); has(after, kind) {
			c.add(Major, "protocol-removed", key, "locations of this protocol no longer find the "+kind)
		} else {
			c.add(Major, "connector-removed", key, "there is no "+kind+" any more")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(after)) {
		if _, found := before[key]; !found {
			c.add(Minor, "connector-added", key, "it is new")
		}
	}
	if len(old.Platforms) > 0 && len(now.Platforms) > 0 {
		for _, p := range old.Platforms {
			if !slices.Contains(now.Platforms, p) {
				c.add(Major, "platform-removed", p.String(), "there is no package for it any more")
			}
		}
		for _, p := range now.Platforms {
			if !slices.Contains(old.Platforms, p) {
				c.add(Minor, "platform-added", p.String(), "it is new")
			}
		}
	}
	slices.SortStableFunc(c.changes, func(a, b Change) int {
		return cmp.Or(-cmp.Compare(a.Step, b.Step), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Kind, b.Kind))
	})
	return c.changes
}

// declared is a connector with its options.
type declared struct {
	manifest.Connector
	options Options
}

// connectors are those of a side by TYPE:PROTOCOL.
func connectors(side Side) map[string]declared {
	all := map[string]declared{}
	for i, c := range side.Manifest.Connectors {
		var options Options
		if i < len(side.Options) {
			options = side.Options[i]
		}
		for _, protocol := range c.Protocols {
			all[c.Type+":"+protocol] = declared{c, options}
		}
	}
	return all
}

func has(connectors map[string]declared, kind string) bool {
	for key := range connectors {
		if strings.HasPrefix(key, kind+":") {
			return true
		}
	}
	return false
}

type comparison struct{ changes []Change }

func (c *comparison) add(step Step, kind, subject, message string) {
	c.changes = append(c.changes, Change{Kind: kind, Subject: subject, Message: message, Step: step})
}

func (c *comparison) connector(key string, old, now declared) {
	for _, flag := range missing(old.LocationFlags, now.LocationFlags) {
		c.add(Major, "flag-removed", key, "plakar no longer treats its locations as "+flag)
	}
	for _, flag := range missing(now.LocationFlags, old.LocationFlags) {
		c.add(Major, "flag-added", key, "plakar now treats its locations as "+flag)
	}
	if old.Class != now.Class || old.Subclass != now.Subclass {
		c.add(Minor, "class-changed", key, fmt.Sprintf("it was %q, and is %q",
			strings.Trim(old.Class+"/"+old.Subclass, "/"), strings.Trim(now.Class+"/"+now.Subclass, "/")))
	}
	if old.options == nil || now.options == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(old.options)) {
		now, found := now.options[name]
		if !found {
			c.add(Major, "option-removed", key+" "+name, "configurations that set it are refused, or it has no effect")
			continue
		}
		c.option(key+" "+name, old.options[name], now)
	}
	for _, name := range slices.Sorted(maps.Keys(now.options)) {
		if _, found := old.options[name]; found {
			continue
		}
		if now.options[name].Required {
			c.add(Major, "option-required", key+" "+name, "it is new, and configurations of before do not have it")
		} else {
			c.add(Minor, "option-added", key+" "+name, "it is new")
		}
	}
}

func (c *comparison) option(subject string, old, now Option) {
	switch {
	case now.Required && !old.Required:
		c.add(Major, "option-required", subject, "configurations without it are refused")
	case old.Required && !now.Required:
		c.add(Minor, "option-optional", subject, "it may be left out")
	}
	if narrower := missing(types(old.Type), types(now.Type)); old.Type != now.Type && now.Type != "" && (old.Type == "" || len(narrower) > 0) {
		c.add(Major, "option-type", subject, fmt.Sprintf("it was %s, and is %s", cmp.Or(old.Type, "of any type"), now.Type))
	} else if old.Type != now.Type {
		c.add(Minor, "option-type-wider", subject, fmt.Sprintf("it was %s, and is %s", old.Type, cmp.Or(now.Type, "of any type")))
	}
	switch gone := missing(old.Values, now.Values); {
	case now.Values != nil && old.Values == nil:
		c.add(Major, "option-values", subject, "it now takes these only: "+strings.Join(now.Values, ", "))
	case now.Values != nil && len(gone) > 0:
		c.add(Major, "option-values", subject, "it no longer takes "+strings.Join(gone, ", "))
	case len(missing(now.Values, old.Values)) > 0 || now.Values == nil && old.Values != nil:
		c.add(Minor, "option-values-wider", subject, "it takes more values")
	}
	if old.Default != now.Default {
		c.add(Minor, "option-default", subject, fmt.Sprintf("without it, %s counts where it was %s",
			cmp.Or(now.Default, "nothing"), cmp.Or(old.Default, "nothing")))
	}
}

func types(name string) []string {
	if name == "" {
		return nil
	}
	all := strings.Split(name, "|")
	// Whatever takes numbers takes integers.
	if slices.Contains(all, "number") {
		all = append(all, "integer")
	}
	return all
}

// missing are those of the first that the second lacks.
func missing(first, second []string) []string {
	var gone []string
	for _, s := range first {
		if !slices.Contains(second, s) {
			gone = append(gone, s)
		}
	}
	return gone
}
