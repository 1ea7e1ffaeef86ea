//go:build !linux

package place

import "errors"

func exchange(_, _ string) error { return errors.ErrUnsupported }

func syncFileSystem(string) error { return errors.ErrUnsupported }
