package sdk

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/PlakarKorp/kloset/objects"

	"github.com/PlakarKorp/kpkg/sdk/internal/rpc"
	"github.com/PlakarKorp/kpkg/sdk/internal/wire"
)

// upload reads the object of a Put straight out of the host's messages: the first names it, the rest are its chunks.
type upload struct {
	call     *rpc.Call
	mac      objects.MAC
	resource uint32

	mu   sync.Mutex // against a storage that reads on when its Put has returned
	over bool
	err  error // sticky: io.EOF after the last chunk
}

var errMalformedPut = rpc.Errorf(rpc.InvalidArgument, "cannot read a message of Put: malformed")

// begin reads what the object is.
func (u *upload) begin() error {
	if _, err := u.call.Next(); err != nil {
		if errors.Is(err, io.EOF) {
			err = errMalformedPut
		}
		return err
	}
	named := false
	for u.call.Left() > 0 {
		tag, err := wire.ReadTag(u.call)
		if err != nil {
			return errMalformedPut
		}
		switch tag.Number {
		case 1:
			mac, err := u.call.Rest(nil, tag.Length, len(u.mac))
			if err == nil {
				u.mac, err = wire.DecodeMAC(mac)
			}
			if err != nil {
				return rpc.Errorf(rpc.InvalidArgument, "a MAC has %d bytes, not %d", len(u.mac), tag.Length)
			}
			named = true
		case 2:
			u.resource = uint32(tag.Value)
		case 3:
			if tag.Length != u.call.Left() || !named {
				return errMalformedPut
			}
			return nil
		default:
			return errMalformedPut
		}
	}
	if !named {
		return rpc.Errorf(rpc.InvalidArgument, "Put does not name the object")
	}
	return nil
}

// Read reads the object. It ends with io.EOF only if the host has sent all of it.
func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over {
		return 0, io.ErrClosedPipe
	}
	return u.readLocked(p)
}

func (u *upload) readLocked(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for u.err == nil && u.call.Left() == 0 {
		u.err = u.next()
	}
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.call.Read(p)
	u.err = err
	return n, err
}

// next moves on to the bytes of the next chunk.
func (u *upload) next() error {
	length, err := u.call.Next()
	if err != nil || length == 0 {
		return err
	}
	tag, err := wire.ReadTag(u.call)
	if err != nil {
		return err
	}
	if tag.Number != 3 || tag.Length != u.call.Left() {
		return errMalformedPut
	}
	return nil
}

// drain takes what the storage did not read. It returns an error if the host has not sent the object to its end.
func (u *upload) drain() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	deadline := time.Now().Add(drainTime)
	buf := make([]byte, 64<<10)
	for {
		switch _, err := u.readLocked(buf); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case time.Now().After(deadline):
			return errUnread
		}
	}
}
