package release

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func pair(t *testing.T, name string) (*SecretKey, *PublicKey) {
	t.Helper()
	key, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	key.File = name + SecretExtension
	return key, key.Public()
}

func noPassphrase() ([]byte, error) { return nil, errors.New("asked for a passphrase") }

func TestSecretKey(t *testing.T) {
	key, _ := pair(t, "acme")
	for name, words := range map[string]string{"open": "", "sealed": "correct horse"} {
		t.Run(name, func(t *testing.T) {
			data, err := key.Marshal("acme secret key", []byte(words))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(data, []byte(base64.StdEncoding.EncodeToString(key.key))) {
				t.Error("the key is in the file as it is")
			}
			ask := noPassphrase
			if words != "" {
				ask = func() ([]byte, error) { return []byte(words), nil }
				wrong := func() ([]byte, error) { return []byte("another"), nil }
				if _, err := ParseSecretKey("f", data, wrong); !errors.Is(err, ErrPassphrase) {
					t.Errorf("with another passphrase: %v", err)
				}
			}
			again, err := ParseSecretKey("f", data, ask)
			if err != nil || !again.key.Equal(key.key) || again.ID != key.ID {
				t.Errorf("read again: %v, %v", again, err)
			}
			// Whatever byte of the key is changed, it does not sign.
			_, blob, _, err := decode(data)
			if err != nil {
				t.Fatal(err)
			}
			for at := 8 + saltSize; at < len(blob); at++ {
				if at >= 8+saltSize+checkSize && at < 8+saltSize+checkSize+8 {
					continue // its id, which proves nothing
				}
				if words != "" && at != 8+saltSize && at != len(blob)-1 { // each takes bcrypt
					continue
				}
				changed := bytes.Clone(blob)
				changed[at] ^= 1
				file, err := encode("", changed)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := ParseSecretKey("f", file, ask); err == nil {
					t.Errorf("byte %d changed, and it was taken", at)
				}
			}
		})
	}
}

func TestParseKeys(t *testing.T) {
	key, public := pair(t, "acme")
	secret, err := key.Marshal("a", nil)
	if err != nil {
		t.Fatal(err)
	}
	open, err := public.Marshal("a")
	if err != nil {
		t.Fatal(err)
	}
	rounds := bytes.Clone(secret)
	_, blob, _, _ := decode(rounds)
	blob[4] = 0xff
	rounds, _ = encode("a", blob)
	for name, test := range map[string]struct {
		parse func(data []byte) error
		data  []byte
		want  string
	}{
		"secret for public": {parsePublic, secret, "is a secret key"},
		"public for secret": {parseSecret, open, "is a public key"},
		"empty":             {parsePublic, nil, "its first line does not begin"},
		"no comment":        {parsePublic, bytes.Join(bytes.SplitAfter(open, []byte("\n"))[1:], nil), "its first line does not begin"},
		"no end":            {parsePublic, bytes.TrimSuffix(open, []byte("\n")), "its second line has no end"},
		"more":              {parsePublic, append(bytes.Clone(open), 'x'), "not 42"},
		"short":             {parsePublic, []byte("untrusted comment: a\nRWQ=\n"), "is no public key"},
		"another algorithm": {parsePublic, []byte("untrusted comment: a\nQUFB\n"), "no key or signature of signify's"},
		"large":             {parsePublic, bytes.Repeat([]byte("a"), MaxSidecar+1), "larger than"},
		"many rounds":       {parseSecret, rounds, "rounds of bcrypt"},
		"long comment":      {parsePublic, []byte("untrusted comment: " + strings.Repeat("a", maxComment) + "\nRWQ=\n"), "its first line does not begin"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := test.parse(test.data); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q", err, test.want)
			}
		})
	}
}

func parsePublic(data []byte) error {
	_, err := ParsePublicKey("f", data)
	return err
}

func parseSecret(data []byte) error {
	_, err := ParseSecretKey("f", data, noPassphrase)
	return err
}

func TestWritePair(t *testing.T) {
	name := filepath.Join(t.TempDir(), "acme")
	key, err := WritePair(context.Background(), name, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name + SecretExtension)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the secret key: %v, %v", info.Mode(), err)
	}
	secret, err := ReadSecretKey(name+SecretExtension, noPassphrase)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := secret.Sign([]byte("x"))
	if err != nil || !strings.HasPrefix(string(signature), "untrusted comment: verify with acme.pub\n") {
		t.Errorf("%q, %v", signature, err)
	}
	public, err := ReadPublicKey(key.File)
	if err != nil || public.Comment != "acme public key" {
		t.Fatalf("%v, %v", public, err)
	}
	parsed, err := ParseSignature(signature)
	if err != nil || parsed.Verify(public) != nil || string(parsed.Message) != "x" {
		t.Errorf("%v, %v", parsed, err)
	}
	for _, gone := range []string{SecretExtension, PublicExtension} {
		if err := os.Remove(name + gone); err != nil {
			t.Fatal(err)
		}
		if _, err := WritePair(context.Background(), name, "", nil); err == nil || !strings.Contains(err.Error(), "already there") {
			t.Errorf("without %s: %v", gone, err)
		}
		if _, err := os.Stat(name + gone); err == nil {
			t.Errorf("half a pair was written: %s", gone)
		}
		if err := os.WriteFile(name+gone, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("untrusted comment: a\nRWQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nSHA256 (a) = \n"))
	f.Add([]byte("SHA256 (a) = 0000000000000000000000000000000000000000000000000000000000000000\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ParsePublicKey("f", data)
		ParseSecretKey("f", data, noPassphrase)
		if s, err := ParseSignature(data); err == nil {
			key, err := GenerateKey()
			if err != nil {
				t.Fatal(err)
			}
			if s.Verify(key.Public()) == nil {
				t.Errorf("a signature by a new key: %q", data)
			}
		}
		if sum, err := ParseSum(data); err == nil && strings.TrimSuffix(string(data), "\n") != strings.TrimSuffix(sum.String(), "\n") {
			t.Errorf("%q is read as %q", data, sum)
		}
	})
}
