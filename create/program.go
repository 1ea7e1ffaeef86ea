package create

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/PlakarKorp/kpkg/internal/sha256sum"
)

// thisProgram tells this program from every other, of which sizes and times may be the same: by its build ID, or by its SHA-256, which
// takes longer than looking at a whole source tree, where it has none. It is "" for a program that cannot be read.
var thisProgram = sync.OnceValue(func() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	program, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer program.Close()
	if id := buildID(program); id != "" {
		return id
	}
	sum, _, err := sha256sum.File(context.Background(), path)
	if err != nil {
		return ""
	}
	return sum
})

// buildIDWithin is how much of an executable go looks at for its build ID, in bytes (package cmd/internal/buildid).
const buildIDWithin = 32 << 10

// buildID is what go build writes into an executable: hashes of what each step of the build was made from, and of what came of it; ""
// for one that has none, or another that was set by hand. It is at the beginning of the code or, in an ELF file, in a note: three
// words, the lengths of its name and text and its type, 4, and then "Go" and the text.
func buildID(program io.Reader) string {
	head := make([]byte, buildIDWithin)
	n, err := io.ReadFull(program, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return ""
	}
	head = head[:n]
	_, rest, found := bytes.Cut(head, []byte("\xff Go build ID: \""))
	id, _, ended := bytes.Cut(rest, []byte("\"\n \xff"))
	if note := bytes.Index(head, []byte("\x04\x00\x00\x00Go\x00\x00")); !found && note >= 4 {
		id = head[note+8:]
		length := int(head[note-4]) | int(head[note-3])<<8
		if ended = length <= len(id); ended {
			id = id[:length]
		}
	}
	if parts := bytes.Split(id, []byte("/")); !ended || len(parts) != 4 || len(parts[3]) == 0 {
		return ""
	}
	return strings.ToValidUTF8(string(id), "")
}
