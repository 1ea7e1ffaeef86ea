package release

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/PlakarKorp/kpkg/internal/regular"
)

// The form of keys and signatures is that of signify(1): a line that begins with commentPrefix, and a line of base64 that
// begins with the name of the algorithm.
const (
	commentPrefix = "untrusted comment: "
	algorithm     = "Ed"
	// maxComment is how long signify lets a comment be.
	maxComment = 1024
)

// PublicExtension and SecretExtension end the names of the files of a pair of keys, as with signify.
const (
	PublicExtension = ".pub"
	SecretExtension = ".sec"
)

// KeyID tells keys apart. It is drawn at random with the key and proves nothing.
type KeyID [8]byte

func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// PublicKey is what a signature is checked with.
type PublicKey struct {
	ID KeyID
	// File is where the key was read from.
	File string
	// Comment is the first line of that file, which anyone can have written.
	Comment string
	key     ed25519.PublicKey
}

// SecretKey signs.
type SecretKey struct {
	ID KeyID
	// File is where the key was read from; signatures name the public key after it.
	File string
	key  ed25519.PrivateKey
}

// Public is the other half of the pair.
func (k *SecretKey) Public() *PublicKey {
	return &PublicKey{ID: k.ID, File: publicName(k.File), key: k.key.Public().(ed25519.PublicKey)}
}

// publicName is what the public key of the secret key in a file is called.
func publicName(secret string) string {
	return strings.TrimSuffix(secret, SecretExtension) + PublicExtension
}

// GenerateKey draws a pair of keys.
func GenerateKey() (*SecretKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("drawing a key: %w", err)
	}
	k := &SecretKey{key: private}
	_, err = rand.Read(k.ID[:])
	return k, err
}

// Marshal is the content of a file that ParsePublicKey reads. The comment is one line of at most 1,000 bytes.
func (k *PublicKey) Marshal(comment string) ([]byte, error) {
	return encode(comment, slicesOf([]byte(algorithm), k.ID[:], k.key))
}

func slicesOf(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// ParsePublicKey reads a public key out of the content of a file.
func ParsePublicKey(file string, data []byte) (*PublicKey, error) {
	comment, blob, rest, err := decode(data)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s is no public key: %w", file, err)
	case len(blob) == secretSize:
		return nil, fmt.Errorf("%s is a secret key: the public one is the file beside it that ends in %s, and only this one is to be "+
			"handed out", file, PublicExtension)
	case len(blob) != 2+8+ed25519.PublicKeySize || len(rest) > 0:
		return nil, fmt.Errorf("%s is no public key: it has %d bytes, not 42", file, len(blob)+len(rest))
	}
	k := &PublicKey{File: file, Comment: comment, key: ed25519.PublicKey(blob[10:])}
	copy(k.ID[:], blob[2:10])
	return k, nil
}

// ReadPublicKey reads the public key in a file.
func ReadPublicKey(file string) (*PublicKey, error) {
	data, err := regular.Read(file, MaxSidecar+1)
	if err != nil {
		return nil, fmt.Errorf("reading a public key: %w", err)
	}
	return ParsePublicKey(file, data)
}

// encode writes a comment and a blob as signify does.
func encode(comment string, blob []byte) ([]byte, error) {
	if len(comment) > maxComment-len(commentPrefix)-1 || strings.ContainsAny(comment, "\n\r\x00") {
		return nil, fmt.Errorf("the comment is longer than a line of %d bytes", maxComment-len(commentPrefix)-1)
	}
	return []byte(commentPrefix + comment + "\n" + base64.StdEncoding.EncodeToString(blob) + "\n"), nil
}

// decode takes apart what encode, or signify, has written, and what follows it.
func decode(data []byte) (comment string, blob, rest []byte, err error) {
	if len(data) > MaxSidecar {
		return "", nil, nil, fmt.Errorf("it is larger than %d bytes", MaxSidecar)
	}
	line, after, found := bytes.Cut(data, []byte("\n"))
	comment, commented := strings.CutPrefix(string(line), commentPrefix)
	if !found || !commented || len(line) >= maxComment {
		return "", nil, nil, fmt.Errorf("its first line does not begin with %q", commentPrefix)
	}
	encoded, rest, found := bytes.Cut(after, []byte("\n"))
	if !found {
		return "", nil, nil, errors.New("its second line has no end")
	}
	blob, err = base64.StdEncoding.Strict().DecodeString(string(encoded))
	if err != nil || !bytes.HasPrefix(blob, []byte(algorithm)) {
		return "", nil, nil, errors.New("its second line is no key or signature of signify's, in base64")
	}
	return comment, blob, rest, nil
}

// keyName is what people call a key by its file: without folder and extension.
func keyName(file string) string {
	return strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), SecretExtension), PublicExtension)
}

// Same tells whether both are the same key.
func (k *PublicKey) Same(other *PublicKey) bool { return k.ID == other.ID && k.key.Equal(other.key) }
