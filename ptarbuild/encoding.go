package ptarbuild

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"time"

	"github.com/PlakarKorp/kloset/encryption"
	klosetpack "github.com/PlakarKorp/kloset/packfile"
	"github.com/google/uuid"
)

// encoding is how blobs are stored: compressed, and then encrypted if there is a key.
type encoding struct {
	compression Compression
	encryption  *encryption.Configuration
	key         []byte
}

func (e encoding) blob(out *bytes.Buffer, data []byte) error {
	if e.key == nil {
		return e.compression.encode(out, data)
	}
	compressed := lendBuffer()
	defer buffers.Put(compressed)
	if err := e.compression.encode(compressed, data); err != nil {
		return err
	}
	encrypted, err := encryption.EncryptStream(e.encryption, e.key, compressed)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(encrypted)
	return err
}

// stream encodes what produce writes, of any length, as one.
func (e encoding) stream(w io.Writer, produce func(io.Writer) error) error {
	r, plain := io.Pipe()
	go func() {
		pool := compressors[e.compression]
		w := pool.Get().(compressor)
		defer pool.Put(w)
		w.Reset(plain)
		plain.CloseWithError(errors.Join(produce(w), w.Close()))
	}()
	defer r.Close()
	var stored io.Reader = r
	if e.key != nil {
		var err error
		if stored, err = encryption.EncryptStream(e.encryption, e.key, r); err != nil {
			return err
		}
	}
	_, err := io.Copy(w, stored)
	return err
}

// filedIndex is an index in a temporary file.
type filedIndex struct {
	file   *os.File
	out    *bufio.Writer
	record []byte
	encode encoding
}

func newFiledIndex(dir string, encode encoding) (*filedIndex, error) {
	file, err := os.CreateTemp(dir, "index-*")
	if err != nil {
		return nil, err
	}
	return &filedIndex{file: file, out: bufio.NewWriterSize(file, 64<<10), encode: encode}, nil
}

func (x *filedIndex) close() {
	x.file.Close()
	os.Remove(x.file.Name())
}

func (x *filedIndex) add(blob klosetpack.Blob) (err error) {
	x.record, err = binary.Append(x.record[:0], binary.LittleEndian, blob)
	if err != nil {
		return err
	}
	_, err = x.out.Write(x.record)
	return err
}

func (x *filedIndex) records() (io.Reader, error) {
	if err := x.out.Flush(); err != nil {
		return nil, err
	}
	if _, err := x.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return bufio.NewReaderSize(x.file, 256<<10), nil
}

func (x *filedIndex) write(w io.Writer) error {
	records, err := x.records()
	if err != nil {
		return err
	}
	return x.encode.stream(w, func(plain io.Writer) error {
		_, err := io.Copy(plain, records)
		return err
	})
}

// state writes the state of the archive: see state.
func (x *filedIndex) state(w io.Writer, serial uuid.UUID, at time.Time) error {
	records, err := x.records()
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	for {
		var blob klosetpack.Blob
		err := binary.Read(records, binary.LittleEndian, &blob)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if _, err := out.Write(located(blob)); err != nil {
			return err
		}
	}
	if _, err := out.Write(stateEnd(serial, at)); err != nil {
		return err
	}
	return out.Flush()
}
