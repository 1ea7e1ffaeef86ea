package wire

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
)

// maxName is where the path of a record that is reported as unusable is cut, in bytes.
const maxName = 64 << 10

// Usable says why a host could not take a record, nil if it can: strings that are not UTF-8 are not protobuf strings.
func Usable(r *connectors.Record) error {
	for _, s := range [...]struct{ what, value string }{
		{"path", r.Pathname},
		{"attribute name", r.XattrName},
		{"link target", r.Target},
		{"name", r.FileInfo.Lname},
		{"user name", r.FileInfo.Lusername},
		{"group name", r.FileInfo.Lgroupname},
	} {
		if !utf8.ValidString(s.value) {
			return fmt.Errorf("%s %s is not UTF-8", s.what, strconv.QuoteToASCII(Text(s.value)))
		}
	}
	for _, name := range r.ExtendedAttributes {
		if !utf8.ValidString(name) {
			return fmt.Errorf("attribute name %s is not UTF-8", strconv.QuoteToASCII(Text(name)))
		}
	}
	return nil
}

// Text makes any string one that protobuf carries: bytes that are not UTF-8 become \xNN, and the tail of what is longer
// than 64 KiB is dropped.
func Text(s string) string {
	s = s[:min(len(s), maxName)]
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// errorText is never empty: to a host an empty text is no error.
func errorText(err error) string {
	if text := Text(err.Error()); text != "" {
		return text
	}
	return "error without a message"
}

// Failed is the record that tells the host about an entry it cannot have.
func Failed(r *connectors.Record, err error) *connectors.Record {
	return &connectors.Record{
		Pathname:  Text(r.Pathname),
		Err:       err,
		IsXattr:   r.IsXattr,
		XattrName: Text(r.XattrName),
		XattrType: r.XattrType,
	}
}

// appendRecord appends a record, which must be Usable.
func appendRecord(b []byte, r *connectors.Record) []byte {
	hasReader := r.Reader != nil && r.Err == nil && (r.IsXattr || r.FileInfo.Lmode.IsRegular())
	b = appendBool(b, 1, hasReader)
	b = appendText(b, 2, r.Pathname)
	if r.Err != nil {
		b = appendText(b, 3, errorText(r.Err))
	}
	b = appendBool(b, 4, r.IsXattr)
	b = appendText(b, 5, r.XattrName)
	// The enumeration is one ahead of kloset's constants, but what both ends put there is kloset's number.
	b = appendNumber(b, 6, uint64(r.XattrType))
	b = appendText(b, 7, r.Target)
	if r.Err == nil && !r.IsXattr {
		b = appendMessage(b, 8, func(b []byte) []byte { return appendFileInfo(b, &r.FileInfo) })
	}
	for _, name := range r.ExtendedAttributes {
		b = appendString(b, 9, name)
	}
	return appendNumber(b, 10, uint64(r.FileAttributes))
}

func appendFileInfo(b []byte, fi *objects.FileInfo) []byte {
	b = appendText(b, 1, fi.Lname)
	b = appendNumber(b, 2, uint64(fi.Lsize))
	b = appendNumber(b, 3, uint64(uint32(fi.Lmode)))
	b = appendMessage(b, 4, func(b []byte) []byte {
		b = appendNumber(b, 1, uint64(fi.LmodTime.Unix()))
		return appendNumber(b, 2, uint64(fi.LmodTime.Nanosecond()))
	})
	b = appendNumber(b, 5, fi.Ldev)
	b = appendNumber(b, 6, fi.Lino)
	b = appendNumber(b, 7, fi.Luid)
	b = appendNumber(b, 8, fi.Lgid)
	b = appendNumber(b, 9, uint64(fi.Lnlink))
	b = appendText(b, 10, fi.Lusername)
	b = appendText(b, 11, fi.Lgroupname)
	return appendNumber(b, 12, uint64(fi.Flags))
}

// DecodeRecord reads a record, which must be complete. hasReader says that its content follows.
func DecodeRecord(message []byte) (record *connectors.Record, hasReader bool, err error) {
	record, hasReader, complete, err := decodeRecord(message)
	if err == nil && !complete {
		err = ErrMalformed
	}
	return record, hasReader, err
}

// decodeRecord reads a record. It is complete if it is an error, an attribute, or has what is known of the file.
func decodeRecord(message []byte) (r *connectors.Record, hasReader, complete bool, err error) {
	r = &connectors.Record{}
	var failure string
	err = each(message, func(f field) error {
		switch f.number {
		case 1:
			return f.bool(&hasReader)
		case 2:
			return f.text(&r.Pathname)
		case 3:
			return f.text(&failure)
		case 4:
			return f.bool(&r.IsXattr)
		case 5:
			return f.text(&r.XattrName)
		case 6:
			return number(f, &r.XattrType)
		case 7:
			return f.text(&r.Target)
		case 8:
			if !complete {
				r.FileInfo.LmodTime = time.Unix(0, 0).UTC() // what a missing time means in protobuf
			}
			complete = true
			return f.message(func(b []byte) error { return decodeFileInfo(b, &r.FileInfo) })
		case 9:
			return f.element(&r.ExtendedAttributes)
		case 10:
			return number(f, &r.FileAttributes)
		}
		return nil
	})
	if failure != "" {
		r.Err = errors.New(failure)
	}
	if r.Err != nil || r.IsXattr {
		complete, r.FileInfo = true, objects.FileInfo{}
	}
	return r, hasReader, complete, err
}

func decodeFileInfo(message []byte, fi *objects.FileInfo) error {
	return each(message, func(f field) error {
		switch f.number {
		case 1:
			return f.text(&fi.Lname)
		case 2:
			return number(f, &fi.Lsize)
		case 3:
			var mode uint32
			err := number(f, &mode)
			fi.Lmode = fs.FileMode(mode)
			return err
		case 4:
			return f.message(func(b []byte) error { return decodeTime(b, &fi.LmodTime) })
		case 5:
			return number(f, &fi.Ldev)
		case 6:
			return number(f, &fi.Lino)
		case 7:
			return number(f, &fi.Luid)
		case 8:
			return number(f, &fi.Lgid)
		case 9:
			return number(f, &fi.Lnlink)
		case 10:
			return f.text(&fi.Lusername)
		case 11:
			return f.text(&fi.Lgroupname)
		case 12:
			return number(f, &fi.Flags)
		}
		return nil
	})
}

func decodeTime(message []byte, t *time.Time) error {
	var seconds int64
	var nanoseconds int32
	err := each(message, func(f field) error {
		switch f.number {
		case 1:
			return number(f, &seconds)
		case 2:
			return number(f, &nanoseconds)
		}
		return nil
	})
	*t = time.Unix(seconds, int64(nanoseconds)).UTC()
	return err
}
