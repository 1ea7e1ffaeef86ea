package scratch

import "io/fs"

// removeWhileOpen is false: Windows removes no folder with an open file in it.
const removeWhileOpen = false

// ownedByUser is true: the system's temporary folder is the user's own.
func ownedByUser(fs.FileInfo) bool { return true }
