package ptarread

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/PlakarKorp/kloset/encryption"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// ErrPassphrase is the error of opening an encrypted archive with a passphrase that is not its own.
var ErrPassphrase = errors.New("the passphrase is wrong")

// secret is what an encrypted store's blobs, index, footer and state are encrypted with: a key that derives from the
// passphrase. Each of them begins with a key of its own, wrapped in the secret, and goes on in pieces of chunk bytes, each
// encrypted by itself; compression comes before that.
type secret struct {
	key     []byte
	wrap    string // the algorithm that wraps keys
	chunk   int    // bytes of a piece as it is stored; the last one may be shorter
	wrapped int    // bytes of a wrapped key
}

// wrappedKeys are how many bytes a key takes as each algorithm wraps it.
var wrappedKeys = map[string]int{"AES256-KW": 40, "AES256-GCM": 12 + 32 + 16}

// newSecret derives the secret from the passphrase. What the configuration, which nothing vouches for yet, asks for is held to
// bounds first: deriving a key takes memory and time on purpose.
func newSecret(ctx context.Context, c *encryption.Configuration, passphrase []byte) (*secret, error) {
	s := &secret{wrap: c.SubKeyAlgorithm, wrapped: wrappedKeys[c.SubKeyAlgorithm], chunk: c.ChunkSize + encryption.AESGMSIV_OVERHEAD}
	if s.wrapped == 0 || c.DataAlgorithm != "AES256-GCM-SIV" {
		return nil, fmt.Errorf("unknown encryption %.40q with keys in %.40q", c.DataAlgorithm, c.SubKeyAlgorithm)
	}
	if c.ChunkSize < minCipherChunk || c.ChunkSize > maxCipherChunk || len(c.Canary) > maxCanary {
		return nil, fmt.Errorf("encryption in pieces of %d bytes; from %d to %d are read", c.ChunkSize, minCipherChunk, maxCipherChunk)
	}
	if err := boundKDF(c.KDFParams); err != nil {
		return nil, err
	}
	type derived struct {
		right bool
		err   error
	}
	done := make(chan derived, 1)
	// Not to be stopped once it has begun, so that whoever has enough goes on without it.
	go func() {
		var d derived
		d.err = guard(func() (err error) {
			s.key, err = encryption.DeriveKey(c.KDFParams, passphrase)
			d.right = err == nil && encryption.VerifyCanary(c, s.key)
			return err
		})
		done <- d
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case d := <-done:
		if d.err == nil && !d.right {
			d.err = ErrPassphrase
		}
		return s, d.err
	}
}

// boundKDF refuses parameters that would take more memory than plakar's own do, or several times as long.
func boundKDF(p encryption.KDFParams) error {
	const key = 32
	fine := false
	switch a, s, b := p.Argon2idParams, p.ScryptParams, p.Pbkdf2Params; {
	case len(p.Salt) > maxSalt:
	case p.KDF == "ARGON2ID" && a != nil:
		fine = a.KeyLen == key && a.Threads >= 1 && a.Threads <= maxKDFThreads && a.Memory <= maxKDFMemory>>10 &&
			a.Time >= 1 && a.Time <= maxKDFPasses
	case p.KDF == "SCRYPT" && s != nil:
		fine = s.KeyLen == key && s.N > 1 && s.N <= maxKDFMemory && s.R >= 1 && s.R <= 64 && s.P >= 1 && s.P <= maxKDFPasses &&
			int64(s.N)*int64(s.R)*128 <= maxKDFMemory
	case p.KDF == "PBKDF2" && b != nil:
		fine = b.KeyLen == key && b.Iterations >= 1 && b.Iterations <= maxKDFIterations &&
			(b.Hashing == "SHA256" || b.Hashing == "BLAKE3")
	}
	if !fine {
		return fmt.Errorf("the parameters of its key derivation (%.40q) are out of bounds", p.KDF)
	}
	return nil
}

// errDecrypt is the error for data that was not encrypted with the secret, or has changed since.
var errDecrypt = errors.New("does not decrypt")

// open decrypts all of stored.
func (s *secret) open(stored []byte) ([]byte, error) {
	if len(stored) < s.wrapped {
		return nil, errDecrypt
	}
	cipher, err := s.cipher(stored[:s.wrapped])
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(stored))
	for piece := range slices.Chunk(stored[s.wrapped:], s.chunk) {
		data, err := cipher.Decrypt(piece, nil)
		if err != nil {
			return nil, errDecrypt
		}
		out = append(out, data...)
	}
	return out, nil
}

// cipher is that of a key as it is wrapped.
func (s *secret) cipher(wrapped []byte) (*subtle.AESGCMSIV, error) {
	key, err := encryption.DecryptSubkey(s.wrap, s.key, bytes.NewReader(wrapped))
	if err != nil {
		return nil, errDecrypt
	}
	cipher, err := subtle.NewAESGCMSIV(key)
	if err != nil {
		return nil, errDecrypt
	}
	return cipher, nil
}

// reader decrypts what in holds as it comes.
func (s *secret) reader(in io.Reader) (*decrypter, error) {
	wrapped := make([]byte, s.wrapped)
	if _, err := io.ReadFull(in, wrapped); err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errDecrypt
	} else if err != nil {
		return nil, err
	}
	cipher, err := s.cipher(wrapped)
	if err != nil {
		return nil, err
	}
	return &decrypter{in: in, cipher: cipher, stored: make([]byte, s.chunk)}, nil
}

// decrypter is decrypted data as it comes, a piece at a time. kloset's own has a goroutine for each stream, in which a panic could
// not be recovered.
type decrypter struct {
	in     io.Reader
	cipher *subtle.AESGCMSIV
	stored []byte
	rest   []byte // of the piece that was decrypted last
}

func (d *decrypter) next() ([]byte, error) {
	n, err := io.ReadFull(d.in, d.stored)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	piece, err := d.cipher.Decrypt(d.stored[:n], nil)
	if err != nil {
		return nil, errDecrypt
	}
	return piece, nil
}

func (d *decrypter) Read(p []byte) (int, error) {
	for len(d.rest) == 0 {
		var err error
		if d.rest, err = d.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

func (d *decrypter) ReadByte() (byte, error) {
	var one [1]byte
	_, err := io.ReadFull(d, one[:])
	return one[0], err
}
