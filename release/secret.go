package release

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dchest/bcrypt_pbkdf"

	"github.com/PlakarKorp/kpkg/internal/regular"
)

// A secret key is kept as signify keeps it: algorithm, how it is sealed, rounds, salt, checksum, id, key. The key is combined
// with what bcrypt_pbkdf makes of passphrase and salt, bit by bit; with no rounds, it is there as it is.
const (
	sealing    = "BK"
	saltSize   = 16
	checkSize  = 8
	secretSize = 2 + 2 + 4 + saltSize + checkSize + 8 + ed25519.PrivateKeySize
	// sealRounds are those of signify; maxRounds bounds how long a file can have us work: some seconds.
	sealRounds = 42
	maxRounds  = 2048
)

// ErrPassphrase is wrapped by the error about a secret key that the passphrase does not open.
var ErrPassphrase = errors.New("the passphrase is wrong")

// Marshal is the content of a file that ParseSecretKey reads. Without a passphrase, whoever reads the file can sign.
func (k *SecretKey) Marshal(comment string, passphrase []byte) ([]byte, error) {
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	rounds := 0
	if len(passphrase) > 0 {
		rounds = sealRounds
	}
	sealed, err := seal(k.key, passphrase, salt, rounds)
	if err != nil {
		return nil, err
	}
	check := sha512.Sum512(k.key)
	blob := slicesOf([]byte(algorithm+sealing), binary.BigEndian.AppendUint32(nil, uint32(rounds)), salt, check[:checkSize], k.ID[:], sealed)
	return encode(comment, blob)
}

// seal combines a key with what the passphrase gives, which is also how it is opened.
func seal(key, passphrase, salt []byte, rounds int) ([]byte, error) {
	if rounds == 0 {
		return key, nil
	}
	stream, err := bcrypt_pbkdf.Key(passphrase, salt, rounds, len(key))
	if err != nil {
		return nil, fmt.Errorf("deriving a key from the passphrase: %w", err)
	}
	subtle.XORBytes(stream, stream, key)
	return stream, nil
}

// ParseSecretKey reads a secret key out of the content of a file. passphrase is asked for one when the key takes one.
func ParseSecretKey(file string, data []byte, passphrase func() ([]byte, error)) (*SecretKey, error) {
	_, blob, rest, err := decode(data)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s is no secret key: %w", file, err)
	case len(blob) == 2+8+ed25519.PublicKeySize:
		return nil, fmt.Errorf("%s is a public key: signing takes the secret one, which ends in %s", file, SecretExtension)
	case len(blob) != secretSize || len(rest) > 0 || string(blob[2:4]) != sealing:
		return nil, fmt.Errorf("%s is no secret key of signify's", file)
	}
	rounds := binary.BigEndian.Uint32(blob[4:8])
	if rounds > maxRounds {
		return nil, fmt.Errorf("%s: opening it takes %d rounds of bcrypt, and %d are the most", file, rounds, maxRounds)
	}
	blob = blob[8:]
	next := func(n int) (field []byte) {
		field, blob = blob[:n], blob[n:]
		return field
	}
	salt, check, id, key := next(saltSize), next(checkSize), next(8), next(ed25519.PrivateKeySize)
	if rounds > 0 {
		words, err := passphrase()
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", file, err)
		}
		if len(words) == 0 {
			return nil, fmt.Errorf("opening %s: the passphrase is empty", file)
		}
		if key, err = seal(key, words, salt, int(rounds)); err != nil {
			return nil, fmt.Errorf("opening %s: %w", file, err)
		}
	}
	sum := sha512.Sum512(key)
	// Half of an ed25519 key is its public key: one that does not belong would give signatures that tell the secret.
	if !bytes.Equal(sum[:checkSize], check) || !bytes.Equal(ed25519.NewKeyFromSeed(key[:ed25519.SeedSize]), key) {
		if rounds > 0 {
			return nil, fmt.Errorf("opening %s: %w", file, ErrPassphrase)
		}
		return nil, fmt.Errorf("%s is damaged: its checksum is another", file)
	}
	k := &SecretKey{File: file, key: bytes.Clone(key)}
	copy(k.ID[:], id)
	return k, nil
}

// ReadSecretKey reads the secret key in a file, as ParseSecretKey does.
func ReadSecretKey(file string, passphrase func() ([]byte, error)) (*SecretKey, error) {
	data, err := regular.Read(file, MaxSidecar+1)
	if err != nil {
		return nil, fmt.Errorf("reading a secret key: %w", err)
	}
	return ParseSecretKey(file, data, passphrase)
}
