package account

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MessageSuffix ends the names of all messages and of no folder.
const MessageSuffix = ".eml"

// NotSelectable is the mode of a folder that cannot hold messages, only other folders. Nobody may write it.
const NotSelectable = fs.ModeDir | 0o500

// noName stands for a part of a mailbox's name that is empty, as between the dots of "a..b". Escapes have digits after
// their percent sign, so nothing else gives it.
const noName = "%"

// FolderPath is the path of a mailbox whose server separates levels of names by delimiter, or has no levels if that is
// 0. What a path cannot hold is percent-encoded: the slash, control characters, the percent sign itself, the names "."
// and "..", and the dot of a name that ends like a message's.
func FolderPath(mailbox string, delimiter rune) string {
	parts := []string{mailbox}
	if delimiter != 0 {
		parts = strings.Split(mailbox, string(delimiter))
	}
	for i, part := range parts {
		parts[i] = escapePart(part)
	}
	return "/" + strings.Join(parts, "/")
}

func escapePart(part string) string {
	switch part {
	case "":
		return noName
	case ".", "..":
		return strings.ReplaceAll(part, ".", "%2E")
	}
	name, isLikeMessage := strings.CutSuffix(part, MessageSuffix)
	escaped := escape(name, func(r rune) bool { return r == '/' || r == '%' || unicode.IsControl(r) })
	if isLikeMessage {
		escaped += "%2E" + MessageSuffix[1:]
	}
	return escaped
}

// Mailbox is the name of the mailbox that restores the folder of that path, on a server with that delimiter. A
// delimiter inside a name would divide it, so there it is percent-encoded: servers of backup and restore may differ.
func Mailbox(folder string, delimiter rune) (string, error) {
	parts := strings.Split(strings.TrimPrefix(path.Clean(folder), "/"), "/")
	if delimiter == 0 && len(parts) > 1 {
		return "", errors.New("the server has no folders inside folders")
	}
	for i, part := range parts {
		if part == noName {
			parts[i] = ""
			continue
		}
		name, err := unescape(part)
		if err != nil {
			return "", err
		}
		parts[i] = escape(name, func(r rune) bool { return r == delimiter && delimiter != 0 })
	}
	return strings.Join(parts, string(delimiter)), nil
}

// escape percent-encodes the characters that must be, byte by byte.
func escape(s string, must func(rune) bool) string {
	var b strings.Builder
	for _, r := range s {
		if !must(r) {
			b.WriteRune(r)
			continue
		}
		for _, c := range utf8.AppendRune(nil, r) {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// unescape undoes escape. A percent sign that escape did not write stands for itself: not every snapshot that is
// restored comes from a mailbox.
func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		var c byte
		if s[i] == '%' && i+2 < len(s) {
			if n, err := fmt.Sscanf(s[i+1:i+3], "%02X", &c); n == 1 && err == nil {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	if !utf8.ValidString(b.String()) {
		return "", fmt.Errorf("%q does not stand for UTF-8", s)
	}
	return b.String(), nil
}
