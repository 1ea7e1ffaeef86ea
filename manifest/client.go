package manifest

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
)

// Client is a line of plakar's releases that treat packages alike.
type Client struct {
	// Name is what users call the line, such as "v1.1"; First and Last are its versions, "" for one that is not released.
	Name, First, Last string

	// protocol is the version, major and minor, of the protocol that it speaks to plugins and of the interface that it looks
	// for in catalogues; packages tells whether it reads packages of today's format.
	protocol string
	packages bool
	// types are the types of connectors that it uses; it skips others. The flags and subclasses are those of the schema that it
	// refuses; containers tells whether it runs them.
	types, refusedFlags, refusedSubclasses []string
	containers                             bool
	// strict tells that it refuses what CheckOptions.Strict makes errors of.
	strict bool
}

// clients is all that is known of who installs and runs what. What the newest released one refuses, Check reports.
var clients = []Client{
	{Name: "v1.0", First: "v1.0.0", Last: "v1.0.999", protocol: "v1.0"},
	{
		Name: "v1.1", First: "v1.1.0", Last: "v1.1.4", protocol: "v1.1", packages: true,
		types:        []string{Importer, Exporter, Storage},
		refusedFlags: []string{"exportxattr", "walkdirorder"},
		// Of pkg, the package manager, v1.1.0 looks at no subclass, v1.1.1 and v1.1.2 refuse this one.
		refusedSubclasses: []string{"secret-manager"},
	},
	{
		Name: "next", protocol: "v1.1", packages: true, containers: true, strict: true,
		types: []string{Importer, Exporter, Storage},
	},
}

// released is the line of the newest release.
var released = clients[1]

// Clients are the lines of releases, from the oldest to the one to come.
func Clients() []Client { return slices.Clone(clients) }

// FindClient is the line of a version such as "v1.1.4", or of that to come, "next".
func FindClient(version string) (Client, error) {
	var known []string
	for _, c := range clients {
		if version == c.Name || semver.IsValid(version) && c.First != "" &&
			semver.Compare(version, c.First) >= 0 && semver.Compare(version, c.Last) <= 0 {
			return c, nil
		}
		known = append(known, c.String())
	}
	return Client{}, fmt.Errorf("nothing is known of plakar %s, only of %s", version, strings.Join(known, ", "))
}

// String names the versions of the line.
func (c Client) String() string {
	if c.First == "" || !c.packages {
		return c.Name
	}
	return c.First + " to " + c.Last
}

// Module is a module in an executable that decides which clients it can speak to.
type Module struct{ Executable, Path, Version string }

// protocolModules are the modules whose version is that of the protocol: upstream's SDK and what it is made of. kpkg's own SDK
// speaks v1.1; kloset's version says nothing of the protocol.
var protocolModules = []string{"github.com/PlakarKorp/go-kloset-sdk", "github.com/PlakarKorp/integration-grpc"}

// OldSDK returns the first module of the 1.0 protocol, which no client speaks that reads packages of today.
func OldSDK(modules []Module) (Module, bool) {
	i := slices.IndexFunc(modules, func(m Module) bool {
		return slices.Contains(protocolModules, m.Path) && semver.IsValid(m.Version) && semver.Compare(m.Version, "v1.1.0-0") < 0
	})
	if i < 0 {
		return Module{}, false
	}
	return modules[i], true
}

// Concerned tells whether errors of a rule are the client's: what only the newest release refuses, its successors need not.
func (c Client) Concerned(rule string) bool {
	return c.Name == released.Name || rule != "location-flag-new" && rule != "container"
}

// Strict tells whether the client refuses what CheckOptions.Strict makes errors of.
func (c Client) Strict() bool { return c.strict }

// Refusals say why the client does not install or run a package of the manifest with the modules in its executables; none
// means that nothing of these keeps it from doing so.
func (c Client) Refusals(m Manifest, modules []Module) []string {
	if !c.packages {
		return []string{"it does not read packages of this format"}
	}
	var reasons []string
	refuse := func(format string, args ...any) { reasons = append(reasons, fmt.Sprintf(format, args...)) }
	if old, found := OldSDK(modules); found {
		refuse("%s is built on the 1.0 SDK (%s %s), whose protocol it does not speak", old.Executable, old.name(), old.Version)
	}
	for _, module := range modules {
		if slices.Contains(protocolModules, module.Path) && semver.Compare(semver.MajorMinor(module.Version), c.protocol) > 0 {
			refuse("%s speaks the protocol of %s %s", module.Executable, module.name(), module.Version)
		}
	}
	if api := m.APIVersion; semver.IsValid(api) && semver.MajorMinor(api) != c.protocol {
		refuse("api_version is %s", api)
	}
	used := false
	for _, connector := range m.Connectors {
		used = used || slices.Contains(c.types, connector.Type)
		for _, flag := range connector.LocationFlags {
			if slices.Contains(c.refusedFlags, flag) {
				refuse("it does not know location flag %s", flag)
			}
		}
		if slices.Contains(c.refusedSubclasses, connector.Subclass) {
			refuse("it does not accept subclass %s", connector.Subclass)
		}
		if connector.Executable == "" && connector.ImageID != "" && !c.containers {
			refuse("it runs no containers")
		}
	}
	if !used {
		refuse("it uses no connectors but those of the types %s", strings.Join(c.types, ", "))
	}
	slices.Sort(reasons)
	return slices.Compact(reasons)
}

func (m Module) name() string { return m.Path[strings.LastIndexByte(m.Path, '/')+1:] }
