package wire

import (
	"github.com/PlakarKorp/kloset/connectors"
)

// AppendImported appends the ImportResponse that carries a record.
func AppendImported(b []byte, r *connectors.Record) []byte {
	return appendMessage(b, 1, func(b []byte) []byte { return appendRecord(b, r) })
}

// AppendFinished appends the ImportResponse after which a host takes the import for complete and stops reading.
func AppendFinished(b []byte) []byte { return appendBool(b, 2, true) }

// DecodeOpen reads the OpenRequest that names, by a few of its fields, the record to read.
func DecodeOpen(message []byte) (*connectors.Record, error) {
	var record *connectors.Record
	err := each(message, func(f field) error {
		if f.number != 1 {
			return nil
		}
		return f.message(func(b []byte) error {
			var err error
			record, _, _, err = decodeRecord(b)
			return err
		})
	})
	if err == nil && record == nil {
		err = ErrMalformed
	}
	return record, err
}
