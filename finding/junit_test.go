package finding_test

import (
	"bytes"
	"testing"

	"github.com/PlakarKorp/kpkg/finding"
)

func TestJUnit(t *testing.T) {
	var out bytes.Buffer
	err := finding.WriteJUnit(&out, "kpkg test", []finding.Case{
		{Suite: "importer:ftp", Name: "plugin-starts", Seconds: 0.25},
		{Suite: "importer:ftp", Name: "plugin-ping", Seconds: 1, Failure: "it says \"no\" <&> \x1b[2J\xff"},
		{Suite: "importer:ftp", Name: "plugin-flags", Skipped: "no flags"},
		{Suite: "exporter:ftp", Name: "plugin-starts", Seconds: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "junit.golden", out.Bytes())
}
