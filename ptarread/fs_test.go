package ptarread_test

import (
	"testing"
	"testing/fstest"

	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

func TestFS(t *testing.T) {
	pkg := open(t, ptartest.Upstream(t, sample(), nil))
	var names []string
	for _, f := range sample() {
		names = append(names, f.Path)
	}
	if err := fstest.TestFS(pkg.FS(), names...); err != nil {
		t.Error(err)
	}
}
