package exporter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// inMemory is the size up to which messages are kept in memory, in bytes. Most are smaller.
const inMemory = 1 << 20

// spool is the content of a message, of known size, to be read more than once.
type spool struct {
	size  int64
	start []byte   // up to inMemory bytes
	file  *os.File // the whole of it, if it is larger
}

// newSpool reads r to its end.
func newSpool(r io.Reader) (*spool, error) {
	var start bytes.Buffer
	if r == nil { // an empty file
		return &spool{}, nil
	}
	n, err := io.CopyN(&start, r, inMemory)
	if err == io.EOF { // one that wraps it is of something that broke off
		return &spool{size: n, start: start.Bytes()}, nil
	}
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp("", "imap-message-*")
	if err != nil {
		return nil, fmt.Errorf("keep a large message for sending: %w", err)
	}
	s := &spool{file: file}
	if s.size, err = io.Copy(file, io.MultiReader(&start, r)); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// reader reads the message from its start.
func (s *spool) reader() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.start)
	}
	return io.NewSectionReader(s.file, 0, s.size)
}

func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
