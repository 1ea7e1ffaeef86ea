package main

import (
	"slices"
	"strings"
)

// fault is one of a plugin's, proven by hand or by reading its source, that checks of the suite find.
type fault struct {
	plugin    string
	connector string // the beginning of its TYPE:PROTOCOL
	upstream  bool   // whether it shows on upstream's SDK only
	checks    []string
	what      string
	proof     string
}

func (f fault) explains(plugin, connector string, kpkgSDK bool, check string) bool {
	return f.plugin == plugin && strings.HasPrefix(connector, f.connector) && slices.Contains(f.checks, check) &&
		!(f.upstream && kpkgSDK)
}

// faults are what docs/found.md lists.
var faults = []fault{}
