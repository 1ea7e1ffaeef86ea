package h2

import (
	"bytes"

	"golang.org/x/net/http2/hpack"
)

const (
	// maxHeaderBlock bounds a request's compressed headers, CONTINUATION frames included.
	maxHeaderBlock = 64 << 10

	// maxHeaderList bounds them decompressed, counted as SETTINGS_MAX_HEADER_LIST_SIZE counts.
	maxHeaderList = 64 << 10
)

// Field is a header or trailer field; names are lower case.
type Field = hpack.HeaderField

// HeaderBlock compresses fields without touching the dynamic table, so that a block can be made once and sent often.
func HeaderBlock(fields ...Field) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range fields {
		field.Sensitive = true // "never indexed" is what keeps a field out of the table
		encoder.WriteField(field)
	}
	return block.Bytes()
}

// headerReader collects the fragments of one header block at a time and decompresses them.
type headerReader struct {
	decoder *hpack.Decoder
	block   []byte
	fields  []Field
	size    uint32
}

func newHeaderReader() *headerReader {
	r := &headerReader{}
	r.decoder = hpack.NewDecoder(4096, func(field Field) {
		if r.size += field.Size(); r.size <= maxHeaderList {
			r.fields = append(r.fields, field)
		}
	})
	r.decoder.SetMaxStringLength(maxHeaderList)
	return r
}

func (r *headerReader) add(fragment []byte) error {
	if len(r.block)+len(fragment) > maxHeaderBlock {
		return &connError{codeEnhanceYourCalm, "header block is larger than 64 KiB"}
	}
	r.block = append(r.block, fragment...)
	return nil
}

// finish decompresses what was added. The fields are nil if they are more than maxHeaderList.
func (r *headerReader) finish() ([]Field, error) {
	r.size, r.fields = 0, make([]Field, 0, 8)
	_, err := r.decoder.Write(r.block)
	if err == nil {
		err = r.decoder.Close()
	}
	r.block = r.block[:0]
	if err != nil {
		return nil, &connError{codeCompression, err.Error()}
	}
	if r.size > maxHeaderList {
		return nil, nil
	}
	return r.fields, nil
}
