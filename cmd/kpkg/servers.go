package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/PlakarKorp/kpkg/internal/access"
)

// servers is what a run has for web servers.
var servers access.Access

// addServerFlags adds the flag of all commands about servers.
func addServerFlags(root *cobra.Command) {
	root.PersistentFlags().StringVar(&servers.CAFile, "ca-file", "", "trust servers by the certificates in `FILE`, too")
}

// withoutPasswords keeps the passwords in addresses for their hosts, and takes them out of the arguments, so that nothing that is
// printed of these has them. A location that a connector is to have is given back to it.
func withoutPasswords(args []string) []string {
	taken := make([]string, len(args))
	for i, arg := range args {
		flag, value, isFlag := strings.Cut(arg, "=")
		if isFlag = isFlag && strings.HasPrefix(flag, "-"); isFlag {
			taken[i] = flag + "=" + servers.Take(value)
		} else {
			taken[i] = servers.Take(arg)
		}
	}
	return taken
}
