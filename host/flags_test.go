package host

import (
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/location"
)

func TestDifferentFlags(t *testing.T) {
	const local, file, stream = location.FLAG_LOCALFS, location.FLAG_FILE, location.FLAG_STREAM
	for _, test := range []struct {
		plugin, manifest location.Flags
		want             string
	}{
		{local, local, ""},
		{stream, 0, ""},
		{0, local, "says location_flags: [localfs], the plugin's Flags says []: write func (...) Flags() sdk.Flags " +
			"{ return sdk.FlagLocalFS }, or location_flags: []"},
		{local | stream, 0, "says location_flags: [], the plugin's Flags says [localfs]: write func (...) Flags() sdk.Flags " +
			"{ return 0 }, or location_flags: [localfs]"},
		{file, local | file, "{ return sdk.FlagLocalFS | sdk.FlagFile }, or location_flags: [file]"},
	} {
		got := DifferentFlags(test.plugin, test.manifest)
		if !strings.HasSuffix(got, test.want) || (got == "") != (test.want == "") {
			t.Errorf("plugin %b, manifest %b: %q", test.plugin, test.manifest, got)
		}
	}
}
