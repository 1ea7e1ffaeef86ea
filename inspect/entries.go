package inspect

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/entrymode"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/scratch"
)

// Entries are those of a list, for its report: in memory, and in a temporary file once there are many. The zero value has none.
type Entries struct {
	first []any
	// more are those after the first ones, a line of JSON each.
	more   *bufio.Writer
	file   *os.File
	folder *scratch.Folder
}

// heldEntries is how many entries are in memory.
const heldEntries = 10_000

type entryItem struct {
	Path   string `json:"path"`
	Kind   string `json:"kind"`
	Mode   string `json:"mode"`
	Size   int64  `json:"size"`
	Time   string `json:"time"`
	Target string `json:"target,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
}

// Add adds an entry.
func (x *Entries) Add(e Entry) error {
	item := entryItem{e.Path, regular.Kind(e.Mode), entrymode.Text(e.Mode), e.Size, timestamp(e.ModTime), e.Target, e.Digest}
	if len(x.first) < heldEntries {
		x.first = append(x.first, item)
		return nil
	}
	if x.more == nil {
		var err error
		if x.folder, err = scratch.Make("entries"); err != nil {
			return err
		}
		if x.file, err = os.Create(filepath.Join(x.folder.Path, "entries")); err != nil {
			return fmt.Errorf("make a temporary file: %w", err)
		}
		x.more = bufio.NewWriterSize(x.file, 64<<10)
	}
	encoder := json.NewEncoder(x.more)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(item); err != nil {
		return fmt.Errorf("write a temporary file: %w", err)
	}
	return nil
}

// list is the list of a report.
func (x *Entries) list() finding.List {
	return finding.List{Name: "entries", Items: x.first, More: x.each}
}

// each visits what is in the file.
func (x *Entries) each(visit func(any) error) error {
	if x.more == nil {
		return nil
	}
	err := x.more.Flush()
	if err == nil {
		_, err = x.file.Seek(0, io.SeekStart)
	}
	lines := bufio.NewReaderSize(x.file, 64<<10)
	for err == nil {
		var line []byte
		if line, err = lines.ReadBytes('\n'); err == nil {
			if err := visit(json.RawMessage(bytes.TrimSuffix(line, []byte("\n")))); err != nil {
				return err
			}
		}
	}
	if err != io.EOF {
		return fmt.Errorf("read a temporary file: %w", err)
	}
	return nil
}

// Close removes the temporary file.
func (x *Entries) Close() error {
	if x.folder == nil {
		return nil
	}
	var err error
	if x.file != nil {
		err = x.file.Close()
	}
	return errors.Join(err, x.folder.Remove())
}
