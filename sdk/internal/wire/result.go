package wire

import (
	"errors"

	"github.com/PlakarKorp/kloset/connectors"
)

// AppendResult appends the ExportResponse that carries the result for a record.
func AppendResult(b []byte, r *connectors.Result) []byte {
	return appendMessage(b, 1, func(b []byte) []byte {
		b = appendMessage(b, 1, func(b []byte) []byte { return appendRecord(b, &r.Record) })
		if r.Err != nil {
			b = appendText(b, 2, errorText(r.Err))
		}
		return b
	})
}

// DecodeResult reads the ImportRequest that acknowledges a record.
func DecodeResult(message []byte) (*connectors.Result, error) {
	var result *connectors.Result
	err := each(message, func(f field) error {
		if f.number != 1 {
			return nil
		}
		return f.message(func(b []byte) error {
			var err error
			result, err = decodeResult(b)
			return err
		})
	})
	if err == nil && result == nil {
		err = ErrMalformed
	}
	return result, err
}

func decodeResult(message []byte) (*connectors.Result, error) {
	var record *connectors.Record
	var failure string
	err := each(message, func(f field) error {
		switch f.number {
		case 1:
			return f.message(func(b []byte) error {
				var err error
				record, _, err = DecodeRecord(b)
				return err
			})
		case 2:
			return f.text(&failure)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if record == nil {
		return nil, ErrMalformed
	}
	result := &connectors.Result{Record: *record}
	if failure != "" {
		result.Err = errors.New(failure)
	}
	return result, nil
}
