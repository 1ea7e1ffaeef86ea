package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/PlakarKorp/kpkg/extract"
)

// TestExtractionEnded says what an extraction that was interrupted has left.
func TestExtractionEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := extract.Result{Files: 2, Folders: 1, Bytes: 1 << 20}
	for _, test := range []struct {
		to   extraction
		want string
	}{
		{extraction{folder: "out"}, "interrupted: extracted 2 files, 1 folder, 1.0 MiB; no file is there in part"},
		{extraction{zip: "out.zip"}, "interrupted: nothing was left behind"},
	} {
		if err := test.to.ended(ctx, r, ctx.Err()); err == nil || err.Error() != test.want {
			t.Errorf("%v", err)
		}
	}
	other := errors.New("another")
	if err := (&extraction{}).ended(t.Context(), r, other); !errors.Is(err, other) || strings.Contains(err.Error(), "interrupted") {
		t.Errorf("%v", err)
	}
}
