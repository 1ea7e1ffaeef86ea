package regular

import "io/fs"

// Kind is the word for what stands under a name: "file", "folder", "link", "pipe", "socket", "device", "character device", or
// "other" for what systems have beside those.
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "file"
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeSymlink != 0:
		return "link"
	case mode&fs.ModeNamedPipe != 0:
		return "pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeCharDevice != 0:
		return "character device"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "other"
}

// AKind is Kind within a sentence, such as "a pipe".
func AKind(mode fs.FileMode) string {
	if kind := Kind(mode); kind != "other" {
		return "a " + kind
	}
	return "of an unknown kind"
}
