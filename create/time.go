package create

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/internal/git"
)

// TimeSource tells where the time in a package is from.
type TimeSource string

const (
	FromEpoch  TimeSource = "SOURCE_DATE_EPOCH"
	FromCommit TimeSource = "the commit"
	FromNone   TimeSource = "no source: 1970"
)

// origin is the time that goes into packages, and the commit that the source is at, "" for none.
type origin struct {
	time   time.Time
	source TimeSource
	commit string
}

// findOrigin takes the time of SOURCE_DATE_EPOCH, as https://reproducible-builds.org/specs/source-date-epoch defines it, else
// that of the commit that dir is at, else the Unix epoch. The clock has no say: a package is the same whenever it is made.
func findOrigin(ctx context.Context, dir string) (origin, error) {
	o := origin{time: time.Unix(0, 0).UTC(), source: FromNone}
	epoch, set, err := sourceDateEpoch()
	if err != nil {
		return o, err
	}
	output, ok, err := git.Output(ctx, dir, "rev-list", "-1", "--timestamp", "HEAD")
	if err != nil {
		return o, err
	}
	if seconds, commit, found := strings.Cut(output, " "); ok && found {
		o.source, o.commit = FromCommit, commit
		if !set {
			o.time, err = epochSeconds("the time of the commit", seconds)
		}
	}
	if set {
		o.source, o.time = FromEpoch, epoch
	}
	return o, err
}

// sourceDateEpoch is the time that the environment asks for, if it does.
func sourceDateEpoch() (epoch time.Time, set bool, err error) {
	value, set := os.LookupEnv("SOURCE_DATE_EPOCH")
	if set {
		epoch, err = epochSeconds("SOURCE_DATE_EPOCH", value)
	}
	return epoch, set, err
}

// stamp is what build.ldflags may put into executables of this source.
func (o origin) stamp(version string) gobuild.Stamp {
	stamp := gobuild.Stamp{Version: version, Commit: o.commit}
	if o.source != FromNone {
		stamp.Date = o.time.Format(time.RFC3339)
	}
	return stamp
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
