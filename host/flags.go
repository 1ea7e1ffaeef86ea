package host

import (
	"fmt"
	"strings"

	"github.com/PlakarKorp/kloset/location"
)

// early are the flags that plakar reads in the manifest before it starts a plugin. The others it asks of the plugin alone.
var early = []struct {
	name, constant string
	flag           location.Flags
}{{"localfs", "sdk.FlagLocalFS", location.FLAG_LOCALFS}, {"file", "sdk.FlagFile", location.FLAG_FILE}}

// DifferentFlags says what to write where a plugin's flags are not those of its manifest, and is "" where they agree on what
// plakar reads in the manifest.
func DifferentFlags(plugin, manifest location.Flags) string {
	var said, written [2][]string // by the manifest and by the plugin, as they write it
	different := false
	for _, e := range early {
		for i, flags := range []location.Flags{manifest, plugin} {
			if flags&e.flag != 0 {
				said[i] = append(said[i], e.name)
				written[i] = append(written[i], e.constant)
			}
		}
		different = different || (manifest^plugin)&e.flag != 0
	}
	if !different {
		return ""
	}
	inGo := strings.Join(written[0], " | ")
	if inGo == "" {
		inGo = "0"
	}
	yaml := func(i int) string { return "location_flags: [" + strings.Join(said[i], ", ") + "]" }
	return fmt.Sprintf(
		"manifest.yaml says %s, the plugin's Flags says [%s]: write func (...) Flags() sdk.Flags { return %s }, or %s",
		yaml(0), strings.Join(said[1], ", "), inGo, yaml(1))
}
