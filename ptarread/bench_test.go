package ptarread_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"os"
	"testing"

	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/ptarread/ptartest"
)

// BenchmarkCheck opens and checks a package of one real executable, beside the SHA-256 of the same package.
func BenchmarkCheck(b *testing.B) {
	executable, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	content, err := os.ReadFile(executable)
	if err != nil {
		b.Fatal(err)
	}
	files := []ptartest.File{{Path: "importer", Mode: 0o755, Content: content}}
	for name, data := range map[string][]byte{
		"kpkg":     ptartest.Kpkg(b, files),
		"upstream": ptartest.Upstream(b, files, nil),
	} {
		b.Run(name+"/check", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				pkg, err := ptarread.New(context.Background(), bytes.NewReader(data), int64(len(data)))
				if err != nil {
					b.Fatal(err)
				}
				if _, problems, err := pkg.Check(context.Background()); err != nil || len(problems) > 0 {
					b.Fatal(problems, err)
				}
			}
		})
		b.Run(name+"/sha256", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				sha256.Sum256(data)
			}
		})
	}
}
