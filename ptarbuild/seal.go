package ptarbuild

import (
	"io"
	"strings"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/resources"

	"github.com/PlakarKorp/kpkg/internal/ptar"
)

// sealer puts regions into their envelopes.
type sealer struct {
	*ptar.Key
	secret bool // whether the key derives from a passphrase
}

// copy writes one region: kloset's header for the resource, the body, the MAC of both.
func (s sealer) copy(w io.Writer, resource resources.Type, body io.Reader) error {
	return s.stream(w, resource, func(out io.Writer) error {
		_, err := io.Copy(out, body)
		return err
	})
}

// stream is copy for a body that is produced by writing it. When w fails, so does the writing of the body.
func (s sealer) stream(w io.Writer, resource resources.Type, produce func(body io.Writer) error) error {
	h := s.Hasher()
	defer s.Put(h)
	if resource == resources.RT_CONFIG && !s.secret {
		// The configuration holds the RepositoryID, so its reader has no key yet.
		h = hashing.GetHasher(hashAlgorithm)
	}
	empty, err := storage.Serialize(h, resource, formatVersion, strings.NewReader(""))
	if err != nil {
		return err
	}
	var header [ptar.EnvelopeHeader]byte
	if _, err := io.ReadFull(empty, header[:]); err != nil { // the hasher has it from then on
		return err
	}
	if _, err := w.Write(header[:]); err != nil {
		return err
	}
	if err := produce(io.MultiWriter(h, w)); err != nil {
		return err
	}
	_, err = w.Write(h.Sum(nil))
	return err
}
