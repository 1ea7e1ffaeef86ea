package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/hashing"
	"github.com/PlakarKorp/kloset/resources"
	"github.com/PlakarKorp/kloset/versioning"

	"github.com/PlakarKorp/kpkg/ptarbuild"
)

// create makes a store where a connector could not open one because nothing is there, and returns its configuration.
func create(ctx context.Context, connector storage.Store, options Options, because error) ([]byte, error) {
	if err := nothingThere(ctx, connector, because); err != nil {
		return nil, err
	}
	config := storage.NewConfiguration()
	hasher := hashing.GetHasher(storage.DEFAULT_HASHING_ALGORITHM)
	config.Encryption = nil
	if options.Encrypt {
		passphrase, err := options.Passphrase(ctx)
		if err != nil {
			return nil, err
		}
		var key []byte
		if config.Encryption, key, err = ptarbuild.NewEncryption(passphrase); err != nil {
			return nil, err
		}
		hasher = hashing.GetMACHasher(storage.DEFAULT_HASHING_ALGORITHM, key)
	}
	body, err := config.ToBytes()
	if err != nil {
		return nil, err
	}
	sealed, err := storage.Serialize(hasher, resources.RT_CONFIG, versioning.GetCurrentVersion(resources.RT_CONFIG), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(sealed)
	if err != nil {
		return nil, err
	}
	if err := connector.Create(ctx, data); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("there is no store that could be opened (%w), and none could be made: %w", because, err)
	}
	kept, err := connector.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the store that was made: %w", err)
	}
	if !bytes.Equal(kept, data) {
		return nil, errors.New("open the store that was made: its connector gives another configuration than it was given")
	}
	return data, nil
}
