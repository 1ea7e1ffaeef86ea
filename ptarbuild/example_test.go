package ptarbuild_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"

	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/ptarread"
)

// A package is written to any writer, and read from whatever can be read at an offset.
func Example() {
	ctx := context.Background()
	program := ptarbuild.FromBytes("wordsImporter", []byte("#!/bin/sh\nexec sleep 60\n"))
	program.Executable = true

	var file bytes.Buffer
	_, err := ptarbuild.Write(ctx, &file, []ptarbuild.File{
		ptarbuild.FromBytes("manifest.yaml", []byte("name: words\n")),
		program,
	}, ptarbuild.Options{})
	if err != nil {
		log.Fatal(err)
	}

	pkg, err := ptarread.New(ctx, bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		log.Fatal(err)
	}
	for _, entry := range pkg.Entries() {
		fmt.Println(entry.Mode, entry.Path)
	}
	content, err := pkg.OpenEntry("manifest.yaml")
	if err != nil {
		log.Fatal(err)
	}
	text, err := io.ReadAll(content)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", text)

	// Output:
	// drwxr-xr-x .
	// -rw-r--r-- manifest.yaml
	// -rwxr-xr-x wordsImporter
	// name: words
}
