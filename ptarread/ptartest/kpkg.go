package ptartest

import (
	"bytes"
	"context"
	"testing"

	"github.com/PlakarKorp/kpkg/ptarbuild"
)

// Kpkg returns a package of the files as kpkg writes it: of their modes, it knows executable or not.
func Kpkg(t testing.TB, files []File) []byte {
	t.Helper()
	var packed []ptarbuild.File
	for _, f := range files {
		p := ptarbuild.FromBytes(f.Path, f.Content)
		p.Executable = f.Mode&0o111 != 0
		packed = append(packed, p)
	}
	pkg, err := ptarbuild.New(context.Background(), packed, ptarbuild.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := pkg.Write(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
