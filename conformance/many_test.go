package conformance

import (
	"context"
	"testing"
	"time"
)

// TestSlowDestination tells a destination that cannot take 2,000 files in a check's time from one that hangs.
func TestSlowDestination(t *testing.T) {
	over, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for each, want := range map[time.Duration]Status{time.Millisecond: Fail, 40 * time.Millisecond: Skip} {
		s, err := newSuite(Config{
			Type: Exporter, Protocol: "fis", Program: Program{Executable: "/bin/true"},
			Settings: map[string]string{"location": "fis://" + t.TempDir()},
		}, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		s.sampleExport.each = each
		if status, detail := outcome(exporterMany(over, &subject{suite: s, dir: t.TempDir()})); status != want {
			t.Errorf("%s a file: %s: %s", each, status, detail)
		}
	}
}
