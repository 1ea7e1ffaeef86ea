package sdk

import (
	"errors"
	"time"
)

// A host that is told of a failure while it is still sending reports "EOF" instead of the failure. So the rest of what
// it sends is taken first and thrown away, but not for longer than this.
const drainTime = 30 * time.Second

var errUnread = errors.New("what the host goes on sending is not taken")
