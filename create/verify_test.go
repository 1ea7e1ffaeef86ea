package create_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/PlakarKorp/kpkg/create"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// TestVerifyMany judges packages side by side, each third of which is not there, and looks for each at its own place.
func TestVerifyMany(t *testing.T) {
	var paths []string
	for n := range 24 {
		path := filepath.Join(t.TempDir(), fmt.Sprintf("p%d.ptar", n))
		if n%3 != 0 {
			file := ptartest.File{Path: "manifest.yaml", Mode: 0o644, Content: fmt.Appendf(nil, "name: p%d\n", n)}
			if err := os.WriteFile(path, ptartest.Kpkg(t, []ptartest.File{file}), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		paths = append(paths, path)
	}
	judged, err := create.Verify(t.Context(), paths, create.VerifyOptions{})
	if err != nil || len(judged) != len(paths) {
		t.Fatalf("%d judged, %v", len(judged), err)
	}
	for n, one := range judged {
		sum, _, err := sha256sum.File(t.Context(), paths[n])
		switch {
		case one.Path != paths[n]:
			t.Errorf("at the place of %s is %s", paths[n], one.Path)
		case n%3 == 0 && !errors.Is(one.Err, fs.ErrNotExist):
			t.Errorf("%s is not there, and has the error %v", one.Path, one.Err)
		case n%3 != 0 && (err != nil || one.Err != nil || one.Report.SHA256 != sum):
			t.Errorf("%s: %v, %+v", one.Path, one.Err, one.Report)
		}
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("stop")
	cancel(reason)
	if judged, err := create.Verify(ctx, paths, create.VerifyOptions{}); !errors.Is(err, reason) || len(judged) > 0 {
		t.Errorf("after the end: %d judged, %v", len(judged), err)
	}
}
