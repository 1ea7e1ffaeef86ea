package main

import (
	"slices"
	"strings"
)

// fault is one of a plugin's that checks of the suite find, with where its source shows it.
type fault struct {
	plugin    string
	connector string // the beginning of its TYPE:PROTOCOL
	upstream  bool   // whether it shows on upstream's SDK only
	checks    []string
	what      string
	proof     string
}

func (f fault) explains(plugin, connector string, kpkgSDK bool, check string) bool {
	return f.plugin == plugin && strings.HasPrefix(connector, f.connector) && slices.Contains(f.checks, check) &&
		!(f.upstream && kpkgSDK)
}

// faults are what docs/found.md lists.
var faults = []fault{
	{
		plugin: "fs", connector: "exporter", checks: []string{"exporter-replace"},
		what: "a restore over a tree fails where a file has become a folder: what is in the folder is not restored",
		proof: "the error is the system's, not a directory: the file that is in the way is not removed " +
			"(examples/fs/replacing shows how)",
	},
	{
		plugin: "tar-plugin", upstream: true, checks: []string{"importer-complete"},
		what: "every backup fails with context canceled, mostly at its first entry",
		proof: "importer.go, NewTarImporter keeps its context and Import ends when that has: it is that of the call of Init, which " +
			"gRPC ends when Init has returned; kpkg's SDK gives one that lasts as long as the plugin",
	},
	{
		plugin: "sqlite", connector: "storage", checks: []string{"storage-create-twice"},
		what: "creating a store where one is succeeds, and adds a second configuration to the first",
		proof: "storage/sqlite.go, Create: CREATE TABLE IF NOT EXISTS, then INSERT INTO configuration, and no look at whether there " +
			"is one",
	},
	{
		plugin: "sqlite", connector: "storage", upstream: true, checks: []string{"plugin-exit-status"},
		what: "a store that could not be opened ends the process when it is closed",
		proof: "storage/sqlite.go, Close: s.conn.Close() with the conn that Open or Create set, nil before; kpkg's SDK makes an " +
			"error of the panic",
	},
	{
		plugin: "sftp", checks: []string{"plugin-leaves-no-process"},
		what:  "every backup and restore leaves an ssh process and its control socket behind, for ten minutes",
		proof: "ps shows ssh -M -N -f after the plugin has ended: -f makes a daemon of it, and nothing ends that",
	},
	{
		plugin: "sftp", connector: "storage", upstream: true, checks: []string{"plugin-exit-status"},
		what:  "a store that could not be opened ends the process when it is closed",
		proof: "storage/sftp.go, Close: s.client.Close() with the client that Open or Create set, nil before",
	},
	{
		plugin: "sftp", connector: "exporter", checks: []string{"exporter-known-folders"},
		what:  "a restore to where a folder is reports an error for it, the root always, and ends with one",
		proof: "exporter/sftp.go: client.Mkdir, which OpenSSH answers with SSH_FX_FAILURE for a folder that is there",
	},
	{
		plugin: "sftp", connector: "exporter", checks: []string{"exporter-overwrite"},
		what:  "a restore over a file that is there fails for that file",
		proof: "exporter/sftp.go, writeAtomic: client.Rename, which SFTP forbids to replace; posix-rename does",
	},
	{
		plugin: "sftp", connector: "exporter", upstream: true, checks: []string{"exporter-cut"},
		what: "a restore that breaks off within a file leaves the first half under the file's name",
		proof: "the SDK's reader then says io.ErrUnexpectedEOF, which pkg/sftp's ReadFrom takes for a short last read; on kpkg's SDK " +
			"the same code leaves nothing",
	},
	{
		plugin: "webdav", connector: "exporter", checks: []string{"exporter-known-folders"},
		what:  "a restore to where a folder is reports an error for it, the root always, and ends with one",
		proof: "connector.go: client.Mkdir, which WebDAV answers with 405 for a folder that is there (RFC 4918, 9.3.1)",
	},
	{
		plugin: "webdav", connector: "exporter", checks: []string{"exporter-links"},
		what:  "links are reported as restored, and are not there",
		proof: "connector.go, Export: what is no folder and no file gets the answer Ok",
	},
	{
		plugin: "webdav", connector: "exporter", checks: []string{"exporter-cut", "exporter-cancelled"},
		what:  "a restore that breaks off within a file leaves the first half under the file's name",
		proof: "connector.go: a PUT to the file's own name, which is ended as a whole one when the reader fails",
	},
	{
		plugin: "rclone", connector: "exporter", checks: []string{"exporter-links"},
		what:  "links are reported as restored, and are not there",
		proof: "exporter/exporter.go, Export: a record with os.ModeSymlink gets record.Ok() and nothing else",
	},
	{
		plugin: "s3", connector: "importer", checks: []string{"importer-missing-source"},
		what:  "a backup of a prefix that nothing has ends without an error, and holds nothing",
		proof: "importer/importer.go, Import: a listing without an object is no error, and nothing asks whether one was to be there",
	},
	{
		plugin: "s3", connector: "exporter", checks: []string{"exporter-links"},
		what:  "links are reported as restored, and are not there",
		proof: "exporter/exporter.go, Export: what is no regular file gets record.Ok() and nothing else",
	},
}
