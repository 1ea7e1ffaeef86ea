package ptarread_test

import (
	"strings"
	"testing"

	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/snapshot/header"

	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// TestOverreadOfRuns holds that chunks which follow each other count as one read, as plakar makes of them: two that are far
// enough from the end of the file, each for itself, are too near to it together.
func TestOverreadOfRuns(t *testing.T) {
	tooNear := func(between bool) bool {
		f := ptartest.NewForgery(t, "LZ4", small())
		f.Header = func(*header.Header) {
			data := noise(12 << 20)
			f.Put(resources.RT_CHUNK, data[:6<<20])
			if between {
				f.Put(resources.RT_VFS_SUMMARY, []byte{0x80})
			}
			f.Put(resources.RT_CHUNK, data[6<<20:])
		}
		for _, p := range problems(t, f.Bytes()) {
			if p.Kind == ptarread.Inconsistent && strings.Contains(p.Message, "before the end of the file") {
				t.Log(p)
				return true
			}
		}
		return false
	}
	if !tooNear(false) {
		t.Error("two chunks that are read as one are not found to be too near to the end of the file")
	}
	if tooNear(true) {
		t.Error("one chunk is found to be too near to the end of the file")
	}
}
