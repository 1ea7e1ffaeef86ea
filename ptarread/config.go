package ptarread

import (
	"bytes"
	"context"
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

func (s *store) readConfig(context.Context) error {
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
	// The only region whose sum has no key: the key's identifier is inside.
	hasher := hashing.GetHasher(storage.DEFAULT_HASHING_ALGORITHM)
	hasher.Write(sealed)
	if !bytes.Equal(hasher.Sum(nil), mac) {
		return problemf(Damaged, regionConfig, at.Offset, "does not match its checksum")
	}

	body := sealed[ptar.EnvelopeHeader:]
	if err := checkShape(body, 64); err != nil {
		return problemf(Damaged, regionConfig, at.Offset, "%v", err)
	}
	if s.config.Configuration, err = storage.NewConfigurationFromBytes(version, body); err != nil {
		return problemf(Damaged, regionConfig, at.Offset, "does not decode: %v", err)
	}
	switch c := s.config; {
	case c.Encryption != nil:
		return problemf(Unsupported, regionConfig, at.Offset, "%s", s.bounds.encrypted)
	case c.Hashing.Algorithm != "BLAKE3" && c.Hashing.Algorithm != "SHA256":
		return problemf(Unsupported, regionConfig, at.Offset, "unknown hashing algorithm %q", c.Hashing.Algorithm)
	case c.Compression != nil && !slices.Contains([]string{"LZ4", "GZIP"}, c.Compression.Algorithm):
		return problemf(Unsupported, regionConfig, at.Offset,
			"compression %q, which released plakar clients do not read; use LZ4 or GZIP", c.Compression.Algorithm)
	case c.Compression != nil:
		s.config.compression = c.Compression.Algorithm
	}
	s.key = ptar.NewKey(s.config.Hashing.Algorithm, s.config.RepositoryID)
	return nil
}
