package release

import (
	"crypto/ed25519"
	"errors"
	"fmt"
)

// Signature is an embedded signature of signify's: what is signed is in it.
type Signature struct {
	// Key is the id of the key that made it, as it says itself.
	Key KeyID
	// Comment is its first line, which anyone can have written.
	Comment string
	// Message is what was signed, to be believed once Verify has said so.
	Message []byte
	value   []byte
}

// Sign signs a message, of at most 32 KiB.
func (k *SecretKey) Sign(message []byte) ([]byte, error) {
	if len(message) > MaxSidecar/2 {
		return nil, fmt.Errorf("signing: %d bytes are more than a signature holds", len(message))
	}
	comment := "signature from kpkg"
	if k.File != "" {
		comment = "verify with " + keyName(k.File) + PublicExtension
	}
	head, err := encode(comment, slicesOf([]byte(algorithm), k.ID[:], ed25519.Sign(k.key, message)))
	return append(head, message...), err
}

// ParseSignature reads the content of F.sum.sig, and believes nothing of it yet.
func ParseSignature(data []byte) (*Signature, error) {
	comment, blob, message, err := decode(data)
	if err != nil {
		return nil, err
	}
	if len(blob) != 2+8+ed25519.SignatureSize {
		return nil, fmt.Errorf("it has a key or a signature of %d bytes, not of 74", len(blob))
	}
	s := &Signature{Comment: comment, Message: message, value: blob[10:]}
	copy(s.Key[:], blob[2:10])
	return s, nil
}

// ErrForged says that a signature was not made with the key that it names, of this message.
var ErrForged = errors.New("the signature is not one of this message by this key")

// Verify holds the signature to a key of its id.
func (s *Signature) Verify(key *PublicKey) error {
	if s.Key != key.ID {
		return fmt.Errorf("the signature is of the key %s, not of %s", s.Key, key.ID)
	}
	if !ed25519.Verify(key.key, s.Message, s.value) {
		return ErrForged
	}
	return nil
}
