package sdk

import (
	"strings"
	"sync/atomic"
)

// minSecret is the length, in bytes, below which a value is no secret: cutting it out would garble every message.
const minSecret = 4

// secrets knows the secret values of a configuration, and cuts them out of texts.
type secrets struct {
	replacer atomic.Pointer[strings.Replacer]
}

// learn takes the values of keys that are named like secrets, and the passwords in URLs.
func (s *secrets) learn(config map[string]string) {
	var pairs []string
	hide := func(value string) {
		if len(value) >= minSecret {
			pairs = append(pairs, value, "***")
		}
	}
	for key, value := range config {
		if isSecretName(key) {
			hide(value)
		}
		if _, rest, isURL := strings.Cut(value, "://"); isURL {
			authority, _, _ := strings.Cut(rest, "/")
			if at := strings.LastIndexByte(authority, '@'); at >= 0 {
				_, password, _ := strings.Cut(authority[:at], ":")
				hide(password)
			}
		}
	}
	s.replacer.Store(strings.NewReplacer(pairs...))
}

func isSecretName(key string) bool {
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

// cut returns text without the secrets.
func (s *secrets) cut(text string) string {
	if replacer := s.replacer.Load(); replacer != nil {
		return replacer.Replace(text)
	}
	return text
}
