package manifest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/PlakarKorp/kpkg/manifest"
)

// A manifest is read whatever is wrong with it, and then judged.
func ExampleDocument_Check() {
	doc := manifest.Read("manifest.yaml", []byte(`name: words
display_name: Words
description: a few words
homepage: https://example.org
license: ISC
api_version: v1.1.0
connectors:
- {type: importer, executable: wordsImporter, protocols: [words], flags: [localfs]}
`))
	findings, err := doc.Check(context.Background(), manifest.CheckOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range findings {
		fmt.Println(f)
	}

	// Output:
	// manifest.yaml:8:3: warning: the connector has no "validator" [validator-missing]
	// manifest.yaml:8:3: info: the connector has no "class" [class-missing]
	// manifest.yaml:8:67: warning: unknown key "flags"; plakar ignores it [key-unknown]
}
