package sdk

import (
	"io/fs"
	"time"

	"github.com/PlakarKorp/kloset/objects"
)

// FileInfo is what a source knows of a file, folder or link. What it does not know stays zero.
type FileInfo struct {
	// Name is the end of the path; NewScanRecord fills it in.
	Name string
	// Size is the length of the content in bytes; 0 for all but files.
	Size int64
	// Mode has the permissions, and fs.ModeDir for a folder or fs.ModeSymlink for a link: 0o644, fs.ModeDir|0o755.
	Mode    fs.FileMode
	ModTime time.Time
	// User and Group are names, UID and GID numbers, for a source whose files have owners.
	User, Group string
	UID, GID    uint64
	// Device and Inode tell hard links: files with the same two are one. Links is how many there are; 0 is 1.
	Device, Inode uint64
	Links         uint16
}

// NewFileInfo makes what records take of a FileInfo:
//
//	sdk.NewFileInfo(sdk.FileInfo{Size: 12, Mode: 0o644, ModTime: changed})
func NewFileInfo(f FileInfo) objects.FileInfo {
	return objects.FileInfo{
		Lname: f.Name, Lsize: f.Size, Lmode: f.Mode, LmodTime: f.ModTime, Ldev: f.Device, Lino: f.Inode,
		Luid: f.UID, Lgid: f.GID, Lnlink: max(f.Links, 1), Lusername: f.User, Lgroupname: f.Group,
	}
}
