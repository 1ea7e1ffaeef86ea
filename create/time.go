package create

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/PlakarKorp/kpkg/internal/git"
)

// sourceTime is the time that goes into packages: SOURCE_DATE_EPOCH, as https://reproducible-builds.org/specs/source-date-epoch
// defines it, else the time of the commit that dir is at, else the Unix epoch. The clock has no say: a package is the same
// whenever it is made.
func sourceTime(ctx context.Context, dir string) (time.Time, error) {
	if value, ok := os.LookupEnv("SOURCE_DATE_EPOCH"); ok {
		return epochSeconds("SOURCE_DATE_EPOCH", value)
	}
	seconds, ok, err := git.Output(ctx, dir, "log", "-1", "--format=%ct")
	if err != nil || !ok || seconds == "" {
		return time.Unix(0, 0).UTC(), err
	}
	return epochSeconds("the time of the commit", seconds)
}

// lastSecond is the last one that a count of nanoseconds in 64 bits, as the format has it, can say: in the year 2262.
const lastSecond = 1<<63/1_000_000_000 - 1

func epochSeconds(what, value string) (time.Time, error) {
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil || seconds < 0 || seconds > lastSecond {
		return time.Time{}, fmt.Errorf("%s is %q: it must be whole seconds since 1970, up to %d", what, value, int64(lastSecond))
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// headCommit is the full hash of the commit that dir is at, "" outside a repository.
func headCommit(ctx context.Context, dir string) (string, error) {
	commit, _, err := git.Output(ctx, dir, "rev-parse", "--verify", "HEAD")
	return commit, err
}
