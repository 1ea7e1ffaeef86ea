//go:build !linux

package host

import (
	"context"
	"errors"
	"net"
)

// contain fails: containers are Linux's.
func (p *Plugin) contain(string) error {
	return errors.New("connectors in images run on Linux only")
}

func cannotContain(err error) error { return err }

func dialSocket(context.Context, string) (*net.UnixConn, error) { return nil, errors.ErrUnsupported }

func (c *Container) findCrun(context.Context, string) (string, error) { return "", nil }

func (p *Plugin) findContained() {}
