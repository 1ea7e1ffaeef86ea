package ptarread

import (
	"bytes"
	"slices"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/versioning"
)

// config is the first region: how the store was made, and the identifier that the key of all MACs derives from.
type config struct {
	*storage.Configuration
	// compression is the algorithm's name, "" for none.
	compression string
}

func (p *Package) readConfig() error {
	s := p.layout.config
	if s.length > maxConfig {
		return problemf(TooLarge, regionConfig, s.offset, "is %d bytes long; plakar reads at most %d", s.length, maxConfig)
	}
	version, err := p.readEnvelope(s, resources.RT_CONFIG, regionConfig)
	if err != nil {
		return err
	}
	if version != versioning.FromString(storage.VERSION) {
		return problemf(Unsupported, regionConfig, s.offset, "version %s; only v%s is known", version, storage.VERSION)
	}
	data, err := p.readSection(s)
	if err != nil {
		return err
	}
	sealed, mac := data[:s.length-envelopeMAC], data[s.length-envelopeMAC:]
	// The only region whose sum has no key: the key's identifier is inside.
	hasher := hashing.GetHasher(storage.DEFAULT_HASHING_ALGORITHM)
	hasher.Write(sealed)
	if !bytes.Equal(hasher.Sum(nil), mac) {
		return problemf(Damaged, regionConfig, s.offset, "does not match its checksum")
	}

	body := sealed[envelopeHeader:]
	if err := checkShape(body, 64); err != nil {
		return problemf(Damaged, regionConfig, s.offset, "%v", err)
	}
	if p.config.Configuration, err = storage.NewConfigurationFromBytes(version, body); err != nil {
		return problemf(Damaged, regionConfig, s.offset, "does not decode: %v", err)
	}
	switch c := p.config; {
	case c.Encryption != nil:
		return problemf(Unsupported, regionConfig, s.offset, "the package is encrypted; plakar installs plain ones only")
	case c.Hashing.Algorithm != "BLAKE3" && c.Hashing.Algorithm != "SHA256":
		return problemf(Unsupported, regionConfig, s.offset, "unknown hashing algorithm %q", c.Hashing.Algorithm)
	case c.Compression != nil && !slices.Contains([]string{"LZ4", "GZIP"}, c.Compression.Algorithm):
		return problemf(Unsupported, regionConfig, s.offset,
			"compression %q, which released plakar clients do not read; use LZ4 or GZIP", c.Compression.Algorithm)
	case c.Compression != nil:
		p.config.compression = c.Compression.Algorithm
	}
	p.key = newMACKey(p.config.Hashing.Algorithm, p.config.RepositoryID)
	return nil
}
