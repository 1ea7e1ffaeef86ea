package registry

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"time"

	"golang.org/x/mod/semver"

	"github.com/PlakarKorp/kpkg/image"
	"github.com/PlakarKorp/kpkg/internal/jsonbound"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/release"
)

// The names in a tree that clients ask for. They look for integrations of this API and edition only.
const (
	IndexName       = "integrations-v1.0.0.json"
	PrereleasesName = "prereleases-v1.0.0.json"
	indexVersion    = "v1.0.0"
	edition         = "community"
	api             = "v1.1.0"
)

// Names of the tree's own.
const (
	indexDir     = "index"
	versionsName = "versions.json"
	lockName     = ".kpkg.lock"
	// newPrefix begins the names of folders in the making, and of those that a killed run has left.
	newPrefix = ".kpkg-"
)

// integrationsDir is the folder that holds a folder for each integration, integrationDir that of one.
func integrationsDir() string           { return path.Join(edition, api) }
func integrationDir(name string) string { return path.Join(edition, api, name) }

// maxJSON is how much of an index or a list of versions is read, in bytes.
const maxJSON = 64 << 20

// MaxOther is how long a file of a version may be that is neither a package nor its images, in bytes: notes and lists of parts are far
// smaller.
const MaxOther = 64 << 20

// Index is what clients read first.
type Index struct {
	Version      string        `json:"version"`
	Timestamp    time.Time     `json:"timestamp"`
	Integrations []Integration `json:"integrations"`
}

// Integration is one that the index offers, in the newest version.
type Integration struct {
	Edition     string      `json:"edition"`
	API         string      `json:"api"`
	Tier        string      `json:"tier"`
	Contact     string      `json:"contact"`
	Name        string      `json:"name"`
	DisplayName string      `json:"display_name"`
	Description string      `json:"description"`
	Homepage    string      `json:"homepage"`
	Repository  string      `json:"repository"`
	License     string      `json:"license"`
	Tags        []string    `json:"tags"`
	Version     string      `json:"version"`
	Connectors  []Connector `json:"connectors"`
	// Documentation, Icon and Featured are paths below the tree's root, "" for none.
	Documentation string `json:"documentation"`
	Icon          string `json:"icon"`
	Featured      string `json:"featured"`
}

// Connector is one of an integration's.
type Connector struct {
	Type      string     `json:"type"`
	Protocols []Protocol `json:"protocols"`
	Class     string     `json:"class"`
	Subclass  string     `json:"subclass"`
	// Validator is the JSON schema of the connector's configuration, null for none.
	Validator json.RawMessage `json:"validator"`
}

// Protocol is a scheme of locations; its validator is the connector's where it is null.
type Protocol struct {
	Scheme    string          `json:"scheme"`
	Validator json.RawMessage `json:"validator"`
}

// Versions is what the tree knows of an integration: all that was ever published of it.
type Versions struct {
	Name string `json:"name"`
	// Versions are in semantic order, the newest first.
	Versions []Version `json:"versions"`
}

// Version is one that was published.
type Version struct {
	Version string `json:"version"`
	// Published is when it came into the tree, in whole seconds; zero where an older kpkg has put it there.
	Published time.Time `json:"published,omitzero"`
	// Withdrawn is why it is no longer offered; "" for one that is.
	Withdrawn string `json:"withdrawn,omitempty"`
	// Entry is what the index says of it.
	Entry Integration `json:"entry"`
	// Files are those of the version, by their paths in the folder of the integration, without sums and signatures.
	Files []release.File `json:"files"`
	// Origin is the digest that a version has in the OCI registry that it was mirrored from; "" for all others.
	Origin string `json:"origin,omitempty"`
}

// IsPrerelease tells a version that is not meant for everybody.
func (v Version) IsPrerelease() bool { return semver.Prerelease(v.Version) != "" }

// find is the version, nil if it was never published.
func (v *Versions) find(version string) *Version {
	at := slices.IndexFunc(v.Versions, func(one Version) bool { return one.Version == version })
	if at < 0 {
		return nil
	}
	return &v.Versions[at]
}

// offered is the newest version for everybody, prerelease the newest that is not and comes after it; nil for none.
func (v *Versions) offered() (offered, prerelease *Version) {
	for i := range v.Versions {
		one := &v.Versions[i]
		switch {
		case one.Withdrawn != "":
		case !one.IsPrerelease():
			return one, prerelease
		case prerelease == nil:
			prerelease = one
		}
	}
	return nil, prerelease
}

// insert adds a version where it belongs.
func (v *Versions) insert(one Version) {
	v.Versions = append(v.Versions, one)
	slices.SortFunc(v.Versions, func(a, b Version) int { return -semver.Compare(a.Version, b.Version) })
}

func encode(value any) ([]byte, error) {
	data, err := json.MarshalIndent(value, "", "  ")
	return append(data, '\n'), err
}

func decodeIndex(data []byte) (*Index, error) {
	var index Index
	if err := jsonbound.Unmarshal(data, &index, jsonbound.MaxMemory); err != nil {
		return nil, fmt.Errorf("it is no index: %w", err)
	}
	if index.Version != indexVersion {
		return nil, fmt.Errorf("it is an index of version %q, not %s", index.Version, indexVersion)
	}
	return &index, nil
}

func decodeVersions(data []byte, name string) (*Versions, error) {
	var versions Versions
	if err := jsonbound.Unmarshal(data, &versions, jsonbound.MaxMemory); err != nil {
		return nil, fmt.Errorf("it is no list of versions: %w", err)
	}
	if versions.Name != name {
		return nil, fmt.Errorf("it lists versions of %q, not of %s", versions.Name, name)
	}
	for _, v := range versions.Versions {
		if canonical, err := manifest.NormalizeVersion(v.Version); err != nil || canonical != v.Version {
			return nil, fmt.Errorf("%q is no version", v.Version)
		}
		for _, f := range v.Files {
			if !validPath(f.Name) {
				return nil, fmt.Errorf("%q is no file of an integration", f.Name)
			}
			if most := MaxLength(f.Name); f.Size < 0 || f.Size > most {
				return nil, fmt.Errorf("it says that %s has %d bytes, which may have %d at most", f.Name, f.Size, most)
			}
		}
	}
	return &versions, nil
}

// MaxLength is how long a file of a version may be, in bytes.
func MaxLength(name string) int64 {
	switch {
	case path.Ext(name) == manifest.Extension:
		return ptarread.MaxSize
	case isArchive(name):
		return image.MaxArchive
	}
	return MaxOther
}

// isArchive tells the images of a package by the name of their archive.
func isArchive(name string) bool {
	_, is := image.PackageOf(name)
	return is
}

// Place is where a file of a version stands in the folder of its integration. The images of a package are looked for beside it; what
// clients do not ask for by its name alone is in the folder of the version.
func Place(version, name string) string {
	if path.Ext(name) == manifest.Extension || isArchive(name) {
		return name
	}
	return path.Join(version, name)
}

// validPath tells a path in the folder of an integration: a file, or a file of a version.
func validPath(name string) bool {
	return name != "" && name == path.Clean(name) && !path.IsAbs(name) && name[0] != '.' && path.Base(name)[0] != '.' &&
		len(name) < 512 && !slices.ContainsFunc([]byte(name), func(b byte) bool { return b < ' ' || b == '\\' || b == 0x7f })
}
