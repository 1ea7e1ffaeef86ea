package account

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MessageSuffix ends the names of all messages and of no folder.
const MessageSuffix = ".eml"

// NotSelectable is the mode of a folder that cannot hold messages, only other folders. Nobody may write it.
const NotSelectable = fs.ModeDir | 0o500

// NoTime is the time of files and folders whose server names none.
var NoTime = time.Unix(0, 0)

// noName stands for a part of a mailbox's name that is empty, as between the dots of "a..b". Escapes have digits after
// their percent sign, so nothing else gives it.
const noName = "%"

// FolderPath is the path of a mailbox whose server separates levels of names by delimiter, or has no levels if that is
// 0. What a path cannot hold is percent-encoded: the slash, control characters, the percent sign itself, the names "."
// and "..", and the dot of a name that ends like a message's. A name that is longer than MaxName goes on in a folder
// inside the folder.
func FolderPath(mailbox string, delimiter rune) string {
	parts := []string{mailbox}
	if delimiter != 0 {
		parts = strings.Split(mailbox, string(delimiter))
	}
	for i, part := range parts {
		parts[i] = divide(escapePart(part))
	}
	return "/" + strings.Join(parts, "/")
}

// divided is the length in bytes from which on a name that ends with a percent sign goes on in the folder below: at most
// a character of four bytes and an escape of three keep it from MaxName.
const divided = MaxName - 3 - 2

// divide makes folders inside folders of a name that is longer than a file system takes.
func divide(part string) string {
	var b strings.Builder
	for len(part) > MaxName {
		end := MaxName - len("%")
		// Neither a character nor an escape may be cut.
		for !utf8.RuneStart(part[end]) || part[end-1] == '%' || part[end-2] == '%' {
			end--
		}
		b.WriteString(part[:end] + "%/")
		part = part[end:]
	}
	if part == "." || part == ".." {
		part = strings.ReplaceAll(part, ".", "%2E")
	}
	return b.String() + part
}

// join undoes divide.
func join(parts []string) []string {
	var joined []string
	goesOn := false
	for _, part := range parts {
		if goesOn {
			joined[len(joined)-1] = strings.TrimSuffix(joined[len(joined)-1], "%") + part
		} else {
			joined = append(joined, part)
		}
		goesOn = len(part) >= divided && strings.HasSuffix(part, "%")
	}
	return joined
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
	parts := join(strings.Split(strings.TrimPrefix(path.Clean(folder), "/"), "/"))
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

// escape percent-encodes the characters that must be, byte by byte, and what is not UTF-8.
func escape(s string, must func(rune) bool) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if isValid := r != utf8.RuneError || size > 1; isValid && !must(r) {
			b.WriteRune(r)
		} else {
			for _, c := range []byte(s[:size]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
		s = s[size:]
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
