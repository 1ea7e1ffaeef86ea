// Package secrets keeps the secret values of a connector's configuration out of errors and logs, on both ends of the
// channel: it knows them by the names of their keys.
package secrets

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// minSecret is the length, in bytes, below which a value is no secret: cutting it out would garble every message.
const minSecret = 4

// Set knows the secret values of a configuration. The zero value knows none. It may be used concurrently.
type Set struct {
	learning sync.Mutex // held while known is replaced
	known    atomic.Pointer[known]
}

type known struct {
	values   []string // each once, the longest first
	replacer func() *strings.Replacer
}

// Learn adds the values of keys that are named like secrets, the passwords in URLs, and other secrets to what the set knows. It
// never forgets one: what was said of it may come late.
func (s *Set) Learn(config map[string]string, others ...string) {
	var values []string
	hide := func(value string) {
		if len(value) >= minSecret {
			values = append(values, value)
		}
	}
	// A key in PEM, say, may be repeated line by line.
	hideLines := func(value string) {
		hide(value)
		for line := range strings.Lines(value) {
			hide(strings.TrimSpace(line))
		}
	}
	for key, value := range config {
		if IsName(key) {
			hideLines(value)
		}
		for _, password := range passwordsInURL(value) {
			hide(password)
		}
	}
	for _, value := range others {
		hideLines(value)
	}
	s.add(values)
}

func (s *Set) add(values []string) {
	s.learning.Lock()
	defer s.learning.Unlock()
	all := slices.Clone(s.All())
	for _, value := range values {
		if at, there := slices.BinarySearchFunc(all, value, longestFirst); !there {
			all = slices.Insert(all, at, value)
		}
	}
	if len(all) == len(s.All()) {
		return
	}
	// Made when it is needed: many secrets may be learned before anything is cut.
	s.known.Store(&known{all, sync.OnceValue(func() *strings.Replacer {
		var pairs []string
		for _, value := range all {
			pairs = append(pairs, value, "***")
		}
		return strings.NewReplacer(pairs...)
	})})
}

// longestFirst is the order of secrets, as one may begin with another.
func longestFirst(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }

// passwordsInURL are what may be the password in a URL, as it stands there and decoded. In one that is not encoded, as it
// should be, the password may hold a slash: then it ends at the last @, as far as anybody can tell.
func passwordsInURL(value string) []string {
	_, rest, _ := strings.Cut(value, "://")
	authority, _, _ := strings.Cut(rest, "/")
	if authority == "" { // a path, or no URL at all
		return nil
	}
	var passwords []string
	for _, text := range []string{authority, rest} {
		at := max(0, strings.LastIndexByte(text, '@'))
		_, password, _ := strings.Cut(text[:at], ":")
		passwords = append(passwords, password)
		if decoded, err := url.PathUnescape(password); err == nil {
			passwords = append(passwords, decoded)
		}
	}
	return passwords
}

// IsName tells whether a key of a configuration is named like a secret.
func IsName(key string) bool {
	key = strings.ToLower(key)
	if strings.HasSuffix(key, "file") || strings.HasSuffix(key, "path") {
		return false // where a secret is kept, which an error must be able to say
	}
	for _, word := range [...]string{"pass", "secret", "token", "key", "credential"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}

// Cut returns text without the secrets.
func (s *Set) Cut(text string) string {
	if k := s.known.Load(); k != nil {
		return k.replacer().Replace(text)
	}
	return text
}

// All are the secrets, each once and the longest first, for another Set to learn.
func (s *Set) All() []string {
	if k := s.known.Load(); k != nil {
		return k.values
	}
	return nil
}

// Longest is the length of the longest secret, in bytes; 0 if there is none. A text that was shortened may end within a
// secret, which Cut does not know then: it is in as many bytes at the end.
func (s *Set) Longest() int {
	if all := s.All(); len(all) > 0 {
		return len(all[0])
	}
	return 0
}
