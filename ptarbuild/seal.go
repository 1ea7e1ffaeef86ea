package ptarbuild

import (
	"io"

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
	h := s.Hasher()
	if resource == resources.RT_CONFIG && !s.secret {
		// The configuration holds the RepositoryID, so its reader has no key yet.
		h = hashing.GetHasher(hashAlgorithm)
	}
	sealed, err := storage.Serialize(h, resource, formatVersion, body)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(w, sealed, make([]byte, 256<<10))
	return err
}

// stream is copy for a body that is produced by writing it. When w fails, so does the writing of the body.
func (s sealer) stream(w io.Writer, resource resources.Type, produce func(body io.Writer) error) error {
	r, body := io.Pipe()
	produced := make(chan struct{})
	go func() {
		defer close(produced)
		body.CloseWithError(produce(body))
	}()
	err := s.copy(w, resource, r)
	r.CloseWithError(err)
	<-produced
	return err
}
