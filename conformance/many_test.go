package conformance

import (
	"context"
	"testing"
	"time"
)

// TestSlowDestination tells a destination that cannot take 2,000 files in a check's time from one that hangs, even if the plugin
// ends a moment before the check does.
func TestSlowDestination(t *testing.T) {
	for _, test := range []struct {
		each, left time.Duration
		want       Status
	}{
		{time.Millisecond, 0, Fail},
		{40 * time.Millisecond, 0, Skip},
		{40 * time.Millisecond, 900 * time.Millisecond, Skip},
		{40 * time.Millisecond, time.Hour, Fail},
	} {
		s, err := newSuite(Config{
			Type: Exporter, Protocol: "fis", Program: Program{Executable: "/bin/true"},
			Settings: map[string]string{"location": "fis://" + t.TempDir()},
		}, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		s.sampleExport.each = test.each
		ctx, cancel := context.WithTimeout(t.Context(), test.left)
		status, detail := outcome(exporterMany(ctx, &subject{suite: s, dir: t.TempDir()}))
		if cancel(); status != test.want {
			t.Errorf("%s a file, %s left: %s: %s", test.each, test.left, status, detail)
		}
	}
}
