package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/verify"
)

// What is wrong with a package comes as findings, each with the rule that it breaks.
func ExampleReader() {
	ctx := context.Background()
	var file bytes.Buffer
	_, err := ptarbuild.Write(ctx, &file, []ptarbuild.File{
		ptarbuild.FromBytes("README.md", []byte("a package without a manifest\n")),
	}, ptarbuild.Options{})
	if err != nil {
		log.Fatal(err)
	}
	report, err := verify.Reader(ctx, bytes.NewReader(file.Bytes()), int64(file.Len()),
		verify.Options{Name: "words_v1.0.0_linux_amd64.ptar"})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range report.Findings {
		fmt.Println(f)
	}
	fmt.Println("fit to be released:", !finding.HasErrors(report.Findings))

	// Output:
	// words_v1.0.0_linux_amd64.ptar: error: there is no file manifest.yaml at its root: it is not a package but a backup (a data file), or was not made by kpkg create [package-manifest]
	// fit to be released: false
}
