//go:build !linux

package conformance

import "errors"

// attribute is for Linux alone: other systems keep attributes of their own on files.
func attribute(string, string, []byte) error { return errors.ErrUnsupported }
