//go:build !linux

package host

import (
	"context"
	"errors"
)

// contain fails: containers are Linux's.
func (p *Plugin) contain(string) error {
	return errors.New("connectors in images run on Linux only")
}

func cannotContain(err error) error { return err }

func (c *Container) findCrun(context.Context, string) (string, error) { return "", nil }

func (p *Plugin) findContained() {}
