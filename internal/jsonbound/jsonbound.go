// Package jsonbound bounds what a stranger's JSON takes in memory before it is decoded: three bytes, {}, can become a value of
// hundreds, and a list of such grows to many times the file.
package jsonbound

import (
	"encoding/json"
	"fmt"
)

// What values take once they are decoded, in bytes, at most: those that a list near the top holds have many fields, others few. What
// lies deeper than described is kept as text by all that use this package, such as the schemas of connectors.
const (
	topDepth    = 3
	topObject   = 512
	kept        = 7
	otherObject = 128
	otherValue  = 24
)

// MaxMemory is how many bytes the values of one file may take together: 20,000 integrations, each with three connectors, take less.
const MaxMemory = 64 << 20

// Unmarshal is that of encoding/json for a file whose values take at most limit bytes; more is an error.
func Unmarshal(data []byte, into any, limit int) error {
	if err := Check(data, limit); err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// Check returns an error if the values of data take more than limit bytes. What is no JSON is the decoder's to tell.
func Check(data []byte, limit int) error {
	depth, taken, quoted := 0, 0, false
	for i := 0; i < len(data); i++ {
		b := data[i]
		if quoted {
			switch b {
			case '\\':
				i++
			case '"':
				quoted = false
			}
			continue
		}
		switch b {
		case '"':
			quoted = true
		case '{', '[':
			depth++
			switch {
			case depth > kept:
			case b == '{' && depth <= topDepth:
				taken += topObject
			case b == '{':
				taken += otherObject
			default:
				taken += otherValue
			}
		case '}', ']':
			depth--
		case ',':
			if depth <= kept {
				taken += otherValue
			}
		}
		if taken > limit {
			return fmt.Errorf("it holds too many values: they would take more than %d MiB of memory", limit>>20)
		}
	}
	return nil
}
