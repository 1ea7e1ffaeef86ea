package pack

import (
	"bytes"
	"io"
	"os/user"
	"slices"
	"strconv"
	"sync"

	"github.com/PlakarKorp/kloset/connectors"
	"github.com/PlakarKorp/kloset/objects"
	"github.com/pkg/xattr"
)

// listAttributes names the extended attributes of a path, without following a link; none where there are no such things.
func listAttributes(path string) ([]string, error) {
	names, err := xattr.LList(path)
	if notSupported(err) {
		return nil, nil
	}
	slices.Sort(names)
	return names, err
}

func readAttribute(path, name string) ([]byte, error) { return xattr.LGet(path, name) }

func attributeRecord(path, name string, value []byte) *connectors.Record {
	return connectors.NewXattr(path, name, objects.AttributeExtended, func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(value)), nil
	})
}

// owners knows the names of users and groups that have been asked for.
type owners struct {
	mu            sync.Mutex
	users, groups map[uint64]string
}

func (o *owners) names(uid, gid uint64) (userName, groupName string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.users == nil {
		o.users, o.groups = map[uint64]string{}, map[uint64]string{}
	}
	userName, known := o.users[uid]
	if !known {
		if u, err := user.LookupId(strconv.FormatUint(uid, 10)); err == nil {
			userName = u.Username
		}
		o.users[uid] = userName
	}
	groupName, known = o.groups[gid]
	if !known {
		if g, err := user.LookupGroupId(strconv.FormatUint(gid, 10)); err == nil {
			groupName = g.Name
		}
		o.groups[gid] = groupName
	}
	return userName, groupName
}
