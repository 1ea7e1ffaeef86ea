//go:build !linux

package host

import "errors"

// contain fails: containers are Linux's.
func (p *Plugin) contain(string) error {
	return errors.New("connectors in images run on Linux only")
}

func cannotContain(err error) error { return err }
