package account

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// base64Names is the alphabet of names (RFC 3501, section 5.1.3). Unlike what the standard demands, bits that are left
// over need not be 0.
var base64Names = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").
	WithPadding(base64.NoPadding)

// decodeName reads the name of a mailbox: modified UTF-7, or UTF-8 (RFC 6855). Where it is neither, it gives what it
// can be shown as; the server may not know it by that name.
func decodeName(raw string) string {
	var b strings.Builder
	for rest := raw; rest != ""; {
		plain, shifted, isShifted := strings.Cut(rest, "&")
		b.WriteString(plain)
		if !isShifted {
			break
		}
		encoded, after, isClosed := strings.Cut(shifted, "-")
		decoded, valid := decodeShifted(encoded)
		if !isClosed || !valid {
			return strings.ToValidUTF8(raw, "\uFFFD")
		}
		b.WriteString(decoded)
		rest = after
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

func decodeShifted(encoded string) (string, bool) {
	if encoded == "" {
		return "&", true
	}
	bytes, err := base64Names.DecodeString(encoded)
	if err != nil || len(bytes)%2 != 0 {
		return "", false
	}
	units := make([]uint16, len(bytes)/2)
	for i := range units {
		units[i] = uint16(bytes[2*i])<<8 | uint16(bytes[2*i+1])
	}
	decoded := string(utf16.Decode(units))
	return decoded, !strings.ContainsRune(decoded, utf8.RuneError)
}
