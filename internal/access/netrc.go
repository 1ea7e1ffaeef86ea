package access

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/regular"
)

// machine is a line of netrc.
type machine struct{ name, login, password, file string }

// fromNetrc is what netrc says of a host, nil for nothing. The file is that of NETRC, else .netrc (_netrc on Windows) at home.
func fromNetrc(host string) (*machine, error) {
	file := os.Getenv("NETRC")
	if file == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, nil
		}
		name := ".netrc"
		if runtime.GOOS == "windows" {
			name = "_netrc"
		}
		file = filepath.Join(home, name)
	}
	data, err := regular.Read(file, maxFile)
	if odd := (*regular.Error)(nil); errors.Is(err, fs.ErrNotExist) || errors.As(err, &odd) { // as /dev/null is
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading passwords: %w", err)
	}
	for _, m := range parseNetrc(string(data)) {
		if strings.EqualFold(m.name, host) && m.password != "" {
			m.file = file
			return &m, nil
		}
	}
	return nil, nil
}

// parseNetrc reads the lines for machines. That for "default" is left out: it would be sent to every host.
//
// Source: the man page netrc(5), and curl's for quotes.
func parseNetrc(text string) []machine {
	var all []machine
	var current *machine
	in := tokens{text}
	for word, ok := in.next(); ok; word, ok = in.next() {
		switch word {
		case "machine":
			name, _ := in.next()
			all = append(all, machine{name: name})
			current = &all[len(all)-1]
		case "default":
			current = nil
		case "login":
			if value, ok := in.next(); ok && current != nil {
				current.login = value
			}
		case "password":
			if value, ok := in.next(); ok && current != nil {
				current.password = value
			}
		case "account":
			in.next()
		case "macdef": // up to an empty line
			_, rest, _ := strings.Cut(strings.ReplaceAll(in.text, "\r\n", "\n"), "\n\n")
			in.text = rest
		}
	}
	return all
}

// tokens are words between blanks, or between quotes with escapes; a word that begins with # comments out the rest of its line.
type tokens struct{ text string }

func (t *tokens) next() (word string, ok bool) {
	for {
		t.text = strings.TrimLeft(t.text, " \t\r\n")
		if !strings.HasPrefix(t.text, "#") {
			break
		}
		_, t.text, _ = strings.Cut(t.text, "\n")
	}
	if t.text == "" {
		return "", false
	}
	if rest, quoted := strings.CutPrefix(t.text, `"`); quoted {
		var b strings.Builder
		for i := 0; i < len(rest); i++ {
			switch {
			case rest[i] == '\\' && i+1 < len(rest):
				i++
				b.WriteByte(rest[i])
			case rest[i] == '"':
				t.text = rest[i+1:]
				return b.String(), true
			default:
				b.WriteByte(rest[i])
			}
		}
		t.text = ""
		return b.String(), true
	}
	end := strings.IndexAny(t.text, " \t\r\n")
	if end < 0 {
		end = len(t.text)
	}
	word, t.text = t.text[:end], t.text[end:]
	return word, true
}
