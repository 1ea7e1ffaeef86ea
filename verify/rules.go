package verify

import "github.com/PlakarKorp/kpkg/finding"

// Rules are all that the findings on packages say, beside those of the manifests in them: see manifest.Rules.
var Rules = []finding.Rule{
	{
		ID: "package-format", Severity: finding.Error,
		Title: "It is no ptar: empty, a directory, something else.",
		Fix:   "Name a `.ptar` file that `kpkg create` or `plakar pkg create` wrote.",
	},
	{
		ID: "package-damaged", Severity: finding.Error,
		Title: "Its bytes are not those that were written: flipped, cut, grown.",
		Fix:   "Download or build it again.",
	},
	{
		ID: "package-unsupported", Severity: finding.Error,
		Title: "Encrypted, or of a version or compression (ZSTD) that no released client reads.",
		Fix:   "Build it again with `kpkg create`, which writes what all released clients read.",
	},
	{
		ID: "package-inconsistent", Severity: finding.Error,
		Title: "Its parts contradict each other, or a name means something else to a terminal or another system; no " +
			"writer does this.",
		Fix: "Do not install it.",
	},
	{
		ID: "package-snapshots", Severity: finding.Error,
		Title: "It does not hold exactly one snapshot.",
		Fix:   "Build it again: a package is one snapshot.",
	},
	{
		ID: "package-limit", Severity: finding.Error,
		Title: "It goes over a limit: in bytes, blobs, files, depth, or in what it unpacks to.",
		Fix:   "Do not install it unless you know why it is that large.",
	},
	{
		ID: "package-check", Severity: finding.Error,
		Title: "A check broke on it.",
		Fix:   "Do not install it, and report it to kpkg.",
	},
	{
		ID: "package-unused", Severity: finding.Warning,
		Title: "It holds data or entries that plakar never sees.",
		Fix:   "Build it again, of the integration's folder alone, to have the smaller package.",
	},
	{
		ID: "package-name", Severity: finding.Error,
		Title: "plakar does not accept the file name, or the manifest has another name.",
		Fix:   "Rename it to `NAME_vX.Y.Z_OS_ARCH.ptar`, with the manifest's name.",
	},
	{
		ID: "package-platform", Severity: finding.Error,
		Title: "The file name's platform does not exist.",
		Fix:   "Name it for a platform that plakar runs on.",
	},
	{
		ID: "package-version", Severity: finding.Warning,
		Title: "The manifest's version is not the file name's, or the snapshot's format is unknown.",
		Fix:   "Name the file for the manifest's version or remove that; build it again where the format is unknown.",
	},
	{
		ID: "package-uncompressed", Severity: finding.Warning,
		Title: "plakar would install a damaged file without noticing.",
		Fix:   "Build it with LZ4 or GZIP.",
	},
	{
		ID: "package-chunks", Severity: finding.Warning,
		Title: "It was cut into chunks of more than 8 MiB.",
		Fix:   "Build it with chunks of at most 8 MiB.",
	},
	{
		ID: "package-manifest", Severity: finding.Error,
		Title: "There is no `manifest.yaml` at the root.",
		Fix:   "Build it again with `kpkg create`.",
	},
	{
		ID: "package-incomplete", Severity: finding.Error,
		Title: "Its writer could not read a file and packed the rest.",
		Fix:   "Make the file readable and build the package again.",
	},
	{
		ID: "package-unlisted", Severity: finding.Error,
		Title: "It holds a file that the manifest does not name.",
		Fix:   "List it in a connector's `extra_files` or leave it out.",
	},
	{
		ID: "package-readme", Severity: finding.Warning, Strict: true,
		Title: "There is no `README.md`.",
		Fix:   "Write one: plakar shows it to users.",
	},
	{
		ID: "package-kind", Severity: finding.Error,
		Title: "It holds a link, device, pipe or socket.",
		Fix:   "Pack files and directories only.",
	},
	{
		ID: "package-mode", Severity: finding.Error,
		Title: "A setuid, setgid or sticky bit; writable by everyone; unreadable by its owner.",
		Fix:   "Correct the permissions before packing.",
	},
	{
		ID: "package-links", Severity: finding.Error,
		Title: "A file recorded with several hard links, which plakar does not install.",
		Fix:   "Build it again with `kpkg create`.",
	},
	{
		ID: "package-owner", Severity: finding.Warning,
		Title: "A directory that will belong to somebody else when root installs.",
		Fix:   "Build it again with `kpkg create`.",
	},
	{
		ID: "package-size", Severity: finding.Warning,
		Title: "A README or an icon larger than clients show.",
		Fix:   "Make it smaller.",
	},
	{
		ID: "executable-missing", Severity: finding.Error,
		Title: "An executable is not in the package.",
		Fix:   "Build it before packing, for windows with `.exe`.",
	},
	{
		ID: "executable-kind", Severity: finding.Error,
		Title: "It is not a regular file.",
		Fix:   "Pack the file itself.",
	},
	{
		ID: "executable-mode", Severity: finding.Error,
		Title: "It has no permission to be executed.",
		Fix:   "Run `chmod +x` on it before packing.",
	},
	{
		ID: "executable-format", Severity: finding.Error,
		Title: "It is no executable, or contradicts itself.",
		Fix:   "Build it for the package's platform.",
	},
	{
		ID: "executable-platform", Severity: finding.Error,
		Title: "It is built for another platform than the file name says.",
		Fix:   "Build it with the `GOOS` and `GOARCH` of the package, or name the package for its platform.",
	},
	{
		ID: "executable-level", Severity: finding.Warning,
		Title: "It is built for newer processors only, as with `GOAMD64=v3`.",
		Fix:   "Build it with Go's default, or say in the README what it needs.",
	},
	{
		ID: "executable-protocol", Severity: finding.Error,
		Title: "It speaks a newer protocol than its manifest's `api_version`, which is a warning, or is built on " +
			"go-kloset-sdk or integration-grpc v1.0.",
		Fix: "Build it with the version of `api_version`, or raise that.",
	},
	{
		ID: "image-damaged", Severity: finding.Error,
		Title: "The archive of images beside the package, or that of `--image`, cannot be read, or its sums are not right.",
		Fix:   "Make it again with `kpkg create --image`.",
	},
	{
		ID: "image-differs", Severity: finding.Error,
		Title: "The archive has no image with the manifest's `image_id`, or it is for another platform, or has another name.",
		Fix:   "Keep the archive that was made with the package.",
	},
	{
		ID: "image-user", Severity: finding.Warning,
		Title: "An image runs as root.",
		Fix:   "Give it a user: images of `kpkg create --image` have one.",
	},
	{
		ID: "client", Severity: finding.Error,
		Title: "The release of plakar that `--client` names cannot use the package.",
		Fix:   "The message says what keeps it from that; a package for several releases is made for the oldest.",
	},
	{
		ID: "privacy-origin", Severity: finding.Warning,
		Title: "It records names, folders or identifiers of the machine or person that built it.",
		Fix:   "Build it with `kpkg create`, which records nothing of the machine.",
	},
	{
		ID: "privacy-owner", Severity: finding.Warning,
		Title: "It records the users or groups that own the files on the machine that built it.",
		Fix:   "Build it with `kpkg create`, which records nothing of the machine.",
	},
	{
		ID: "privacy-inode", Severity: finding.Warning,
		Title: "It records devices or inodes of the machine that built it.",
		Fix:   "Build it with `kpkg create`, which records nothing of the machine.",
	},
	{
		ID: "privacy-time", Severity: finding.Warning,
		Title: "It records times of the machine that built it to the nanosecond.",
		Fix:   "Build it with `kpkg create`, which records nothing of the machine.",
	},
}
