package host

import (
	"path/filepath"

	"github.com/PlakarKorp/kloset/location"
)

// Location is where a connector reads or writes.
type Location struct {
	// Protocol is "" if the location has none.
	Protocol string
	// Rest is what follows: the path, for a connector of local files.
	Rest string
}

// ParseLocation reads protocol://rest or protocol:rest, as plakar does.
func ParseLocation(text string) Location {
	protocol, rest, _, _, _ := location.New[struct{}]("").Lookup(text)
	return Location{protocol, rest}
}

// Below is the location of a connector of local files (location flag localfs), whose path is relative to the folder cwd.
func (l Location) Below(cwd string) Location {
	if !filepath.IsAbs(l.Rest) {
		l.Rest = filepath.Join(cwd, l.Rest)
	}
	return l
}

// String is the location in the form that plakar gives to connectors, protocol://rest.
func (l Location) String() string { return l.Protocol + "://" + l.Rest }
