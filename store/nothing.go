package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/PlakarKorp/kloset/connectors/storage"
)

// nothingThere is nil if a storage has answered that it has no store, which it did not open because of that error. There may be one all
// the same that could not be reached this time, and not every connector refuses to write over it: it says itself that nothing is
// there, or lists nothing, and has answered all that it was asked.
func nothingThere(ctx context.Context, connector storage.Store, because error) error {
	if notReached(because) {
		return fmt.Errorf("open the store, which nobody knows whether it is there: %w", because)
	}
	said := saysNothing(because)
	for _, kind := range []storage.StorageResource{storage.StorageResourceState, storage.StorageResourcePackfile} {
		there, err := connector.List(ctx, kind)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && len(there) > 0:
			return fmt.Errorf("open the store, which holds %d of %s: %w", len(there), kind, because)
		case err != nil && !saysNothing(err) && (!said || notReached(err)): // one that has opened nothing may list nothing
			return fmt.Errorf("open the store: %w; its storage does not say that nothing is there, so that none is made: "+
				"asked for each %s it says: %w", because, kind, err)
		}
	}
	return nil
}

// Connectors' errors come as words: the protocol has a code for what is not there, which few connectors set and kloset's host drops.

// nothingWords are those of Unix, Go, Windows, S3, Google's and Microsoft's storages, and HTTP for what is not there.
var nothingWords = regexp.MustCompile(`(?i)\bno ?such (file|directory|folder|path|key|bucket|container|object|blob|table|store)|` +
	`no ?such repository|not exist|n't exist|not ?found|cannot find the|\bthere is no\b|\b404\b`)

// notReachedWords are those for a storage, or what is behind it, that has not answered.
var notReachedWords = regexp.MustCompile(`(?i)time ?-?out|timed out|deadline exceeded|cancell?ed|no answer|no such host|host not found|` +
	`lookup |dial tcp|unreachable|connection (refused|reset|lost|closed)|broken pipe|unexpected EOF|temporar(y|ily)|unavailable|` +
	`I/O error|too many requests|\bslow ?down\b|\b(429|50[0234])\b`)

func saysNothing(err error) bool {
	return !notReached(err) && (errors.Is(err, fs.ErrNotExist) || nothingWords.MatchString(err.Error()))
}

func notReached(err error) bool {
	var timing interface{ Timeout() bool }
	return errors.As(err, &timing) && timing.Timeout() || errors.Is(err, context.Canceled) || notReachedWords.MatchString(err.Error())
}
