//go:build !windows && (!unix || aix || solaris)

package scratch

import "io/fs"

const removeWhileOpen = true

func ownedByUser(fs.FileInfo) bool { return false }
