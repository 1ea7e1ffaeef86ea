package conformance_test

import (
	"testing"

	"github.com/PlakarKorp/kpkg/conformance"
)

// In a test of an integration's own, each check of the suite is a subtest. The connector of local files here is tested in
// temporary folders; others are given a location, as in Settings: map[string]string{"location": "ftp://" + address}.
func ExampleTest() {
	// func TestExporter(t *testing.T) {
	test := func(t *testing.T) {
		conformance.Test(t, conformance.Config{
			Type:          conformance.Exporter,
			Protocol:      "words",
			Program:       conformance.Program{Main: "./plugin/exporter"},
			LocationFlags: []string{"localfs"},
		})
	}
	_ = test
}
