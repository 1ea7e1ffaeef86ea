package ptarread

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"slices"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/versioning"

	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// config is the first region: how the store was made, and the identifier that the key of all MACs derives from.
type config struct {
	*storage.Configuration
	// compression is the algorithm's name, "" for none.
	compression string
}

func (s *store) readConfig(ctx context.Context) error {
	at := s.layout.Config
	if at.Length > maxConfig {
		return problemf(TooLarge, regionConfig, at.Offset, "is %d bytes long; plakar reads at most %d", at.Length, maxConfig)
	}
	version, err := s.readEnvelope(at, resources.RT_CONFIG, regionConfig)
	if err != nil {
		return err
	}
	if version != versioning.FromString(storage.VERSION) {
		return problemf(Unsupported, regionConfig, at.Offset, "version %s; only v%s is known", version, storage.VERSION)
	}
	data, err := s.readSection(at)
	if err != nil {
		return err
	}
	sealed, mac := data[:at.Length-ptar.EnvelopeMAC], data[at.Length-ptar.EnvelopeMAC:]
	vouched := bytes.Equal(sumOf(hashing.GetHasher(storage.DEFAULT_HASHING_ALGORITHM), sealed), mac)
	body := sealed[ptar.EnvelopeHeader:]
	err = checkShape(body, 64)
	if err == nil {
		if s.config.Configuration, err = storage.NewConfigurationFromBytes(version, body); err != nil {
			err = fmt.Errorf("does not decode: %w", err)
		}
	}
	encrypted := err == nil && s.config.Encryption != nil
	switch {
	case !vouched && !encrypted:
		return problemf(Damaged, regionConfig, at.Offset, "does not match its checksum")
	case err != nil:
		return problemf(Damaged, regionConfig, at.Offset, "%v", err)
	case encrypted:
		key, err := s.unlock(ctx, at.Offset)
		if err != nil {
			return err
		}
		// What vouches for it is the passphrase.
		if !bytes.Equal(sumOf(hashing.GetMACHasher(storage.DEFAULT_HASHING_ALGORITHM, key), sealed), mac) {
			return problemf(Damaged, regionConfig, at.Offset, "does not match its MAC")
		}
	}
	switch c := s.config; {
	case c.Hashing.Algorithm != "BLAKE3" && c.Hashing.Algorithm != "SHA256":
		return problemf(Unsupported, regionConfig, at.Offset, "unknown hashing algorithm %q", c.Hashing.Algorithm)
	case c.Compression != nil && !slices.Contains([]string{"LZ4", "GZIP"}, c.Compression.Algorithm):
		return problemf(Unsupported, regionConfig, at.Offset,
			"compression %q, which released plakar clients do not read; use LZ4 or GZIP", c.Compression.Algorithm)
	case c.Compression != nil:
		s.config.compression = c.Compression.Algorithm
	}
	if s.secret != nil {
		s.key = ptar.NewSecretKey(s.config.Hashing.Algorithm, s.secret.key)
	} else {
		s.key = ptar.NewKey(s.config.Hashing.Algorithm, s.config.RepositoryID)
	}
	return nil
}

// unlock asks for the passphrase, and returns the key that derives from it.
func (s *store) unlock(ctx context.Context, at int64) ([]byte, error) {
	if s.passphrase == nil {
		return nil, problemf(Unsupported, regionConfig, at, "%s", s.bounds.encrypted)
	}
	passphrase, err := s.passphrase(ctx)
	if err != nil {
		return nil, err
	}
	s.secret, err = newSecret(ctx, s.config.Encryption, passphrase)
	switch {
	case err == nil:
		return s.secret.key, nil
	case errors.Is(err, ErrPassphrase), ctx.Err() != nil:
		return nil, err
	}
	return nil, problemf(Unsupported, regionConfig, at, "%v", err)
}

func sumOf(h hash.Hash, data []byte) []byte {
	h.Write(data)
	return h.Sum(nil)
}
