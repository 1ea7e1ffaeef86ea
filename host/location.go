package host

import (
	"net/url"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kloset/location"

	"github.com/PlakarKorp/kpkg/sdk/secrets"
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

// Secrets are the passwords in a location as it was given: between the user and the host, and among the parameters after
// a question mark. They are to be looked for before Below, which makes them part of a path.
func (l Location) Secrets() []string {
	config := map[string]string{"location": l.String()}
	_, query, _ := strings.Cut(l.Rest, "?")
	for parameter := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' || r == '#' }) {
		key, value, _ := strings.Cut(parameter, "=")
		config[key] = value
		if decoded, err := url.QueryUnescape(value); err == nil && decoded != value {
			config[key] = value + "\n" + decoded // each line of a secret is one
		}
	}
	var found secrets.Set
	found.Learn(config)
	return found.All()
}
