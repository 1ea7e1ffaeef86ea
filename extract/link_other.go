//go:build !linux

package extract

import "errors"

func setLinkAttribute(*folder, string, string, []byte) error {
	return errors.New("extended attributes of links are not supported here")
}
