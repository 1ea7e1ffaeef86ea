package manifest

import "github.com/PlakarKorp/kpkg/finding"

// Rules are all that the findings on manifests and on the validators beside them say.
var Rules = []finding.Rule{
	{
		ID: "yaml-size", Severity: finding.Error,
		Title: "The file is larger than 1 MiB.",
		Fix:   "Keep the manifest to what plakar reads; other files belong into `extra_files`.",
	},
	{
		ID: "yaml-encoding", Severity: finding.Error,
		Title: "The file is not UTF-8.",
		Fix:   "Save the file as UTF-8.",
	},
	{
		ID: "yaml-bom", Severity: finding.Warning,
		Title: "A byte order mark at the start.",
		Fix:   "Save the file as UTF-8 without a byte order mark.",
	},
	{
		ID: "yaml-empty", Severity: finding.Error,
		Title: "Nothing, or nothing but comments.",
		Fix:   "Start with `name`, `description` and `connectors`.",
	},
	{
		ID: "yaml-syntax", Severity: finding.Error,
		Title: "What YAML cannot parse: tabs as indentation, quotes and brackets never closed, unknown anchors.",
		Fix: "Correct what stands at the line and column; quote values with `: `, `#` or quotes in them, and indent " +
			"with spaces.",
	},
	{
		ID: "yaml-documents", Severity: finding.Warning, Strict: true,
		Title: "A second document; plakar reads the first only.",
		Fix:   "Remove what follows the first document.",
	},
	{
		ID: "yaml-duplicate", Severity: finding.Error,
		Title: "A key that the same mapping already has.",
		Fix:   "Remove one of the two.",
	},
	{
		ID: "yaml-key", Severity: finding.Error,
		Title: "A list or mapping as a key.",
		Fix:   "Write the key as text.",
	},
	{
		ID: "yaml-alias", Severity: finding.Error,
		Title: "An anchor inside itself, aliases that repeat more than 10000 values, a merge (`<<`) of something else " +
			"than a mapping.",
		Fix: "Write the values out.",
	},
	{
		ID: "yaml-tag", Severity: finding.Error,
		Title: "Text that is not what its tag says, such as `!!int ISC`.",
		Fix:   "Remove the tag, or write what it says.",
	},
	{
		ID: "kind", Severity: finding.Error,
		Title: "Text where a list is expected, a list where a mapping is expected, and so on: plakar cannot decode it.",
		Fix:   "Write the kind of value that docs/manifest.md has for the key.",
	},
	{
		ID: "key-unknown", Severity: finding.Warning, Strict: true,
		Title: "A key that plakar drops in silence, with the one that was probably meant. Below `build`, an error.",
		Fix:   "Correct the key, or remove it.",
	},
	{
		ID: "key-misplaced", Severity: finding.Warning, Strict: true,
		Title: "A known key at the wrong level, such as a connector's `homepage`.",
		Fix:   "Move it to the level where it belongs.",
	},
	{
		ID: "key-missing", Severity: finding.Warning, Strict: true,
		Title: "No `display_name` or no `description`.",
		Fix:   "Write it: plakar shows it to users.",
	},
	{
		ID: "key-recommended", Severity: finding.Warning,
		Title: "No `homepage`, `license` or `api_version`.",
		Fix:   "Write it.",
	},
	{
		ID: "name", Severity: finding.Error,
		Title: "No `name`, or one that cannot stand in the file name `NAME_vX.Y.Z_OS_ARCH.ptar`: anything but letters, " +
			"digits and hyphens.",
		Fix: "Give a name of letters, digits and hyphens: file names of packages are split at `_`.",
	},
	{
		ID: "name-case", Severity: finding.Warning,
		Title: "Capitals: recipes are named in lower case, and the names must be equal.",
		Fix:   "Write the name in lower case.",
	},
	{
		ID: "version", Severity: finding.Error,
		Title: "A `version` that is not semantic (`v1.2.3`; the `v` may be left out, a number may not).",
		Fix:   "Write all three numbers, as in `v1.2.3`, or tag the commit instead.",
	},
	{
		ID: "version-key", Severity: finding.Warning, Strict: true,
		Title: "The key `version` at all: it belongs to an older format and plakar ignores it.",
		Fix:   "Tag the commit instead, or give kpkg the version as an argument.",
	},
	{
		ID: "version-mismatch", Severity: finding.Warning,
		Title: "Argument, manifest and git tag disagree on the version.",
		Fix:   "Make them agree; the message says which one the package gets.",
	},
	{
		ID: "api-version", Severity: finding.Warning,
		Title: "An `api_version` other than `v1.1.0`.",
		Fix:   "Write `api_version: v1.1.0`.",
	},
	{
		ID: "license", Severity: finding.Warning,
		Title: "A `license` that is no [SPDX expression](https://spdx.org/licenses/).",
		Fix:   "Give an SPDX identifier such as `ISC`.",
	},
	{
		ID: "homepage", Severity: finding.Warning,
		Title: "A `homepage` that is no web address.",
		Fix:   "Give an address that begins with `https://`.",
	},
	{
		ID: "connectors", Severity: finding.Error,
		Title: "None.",
		Fix:   "List at least one connector.",
	},
	{
		ID: "type", Severity: finding.Error,
		Title: "No `type`, or one that plakar does not know and skips.",
		Fix:   "Write `importer`, `exporter` or `storage`.",
	},
	{
		ID: "class", Severity: finding.Warning, Strict: true,
		Title: "An unknown `class`.",
		Fix:   "Take one of the classes of docs/manifest.md.",
	},
	{
		ID: "class-missing", Severity: finding.Info,
		Title: "No `class`: plakar cannot match the connector to resources.",
		Fix:   "A class such as `file-storage` lets plakar match the connector to resources.",
	},
	{
		ID: "subclass", Severity: finding.Warning, Strict: true,
		Title: "A `subclass` that does not exist, not under this class, or without a class.",
		Fix:   "Take one of the class's, or remove it.",
	},
	{
		ID: "subclass-new", Severity: finding.Warning,
		Title: "A subclass that only newer clients are sure to accept: `secret-manager` under `security`.",
		Fix:   "Leave it out for as long as released clients may not know it.",
	},
	{
		ID: "protocols", Severity: finding.Error,
		Title: "No `protocols`: no location leads to the connector. For types that the released plakar skips " +
			"(`inventory`, `secret_provider`) a warning, strict.",
		Fix: "List the schemes of the locations that the connector serves.",
	},
	{
		ID: "protocol-form", Severity: finding.Error,
		Title: "A protocol that plakar cannot find in a location: one letter, or other characters than letters, digits, " +
			"`+`, `-` and `.`.",
		Fix: "Take two or more letters, digits, `+`, `-` or `.`.",
	},
	{
		ID: "protocol-duplicate", Severity: finding.Error,
		Title: "A protocol that two connectors of one type claim: plakar stops loading the package at the second.",
		Fix:   "Give one of the connectors another protocol.",
	},
	{
		ID: "protocol-builtin", Severity: finding.Error,
		Title: "A protocol that plakar serves itself for this type of connector; `plakar pkg add` refuses the package.",
		Fix:   "Give the connector a protocol of its own.",
	},
	{
		ID: "location-flag", Severity: finding.Error,
		Title: "An unknown flag: plakar refuses the package.",
		Fix:   "Take one of the flags of docs/manifest.md.",
	},
	{
		ID: "location-flag-new", Severity: finding.Error,
		Title: "A flag that only clients after v1.1.4 know.",
		Fix:   "Leave it out for as long as released clients do not know it.",
	},
	{
		ID: "executable", Severity: finding.Error,
		Title: "Nothing serves the connector; as a warning, the name of what does ends in `.exe`, which windows alone has, or " +
			"in `.go`, which is what it is built of.",
		Fix: "Name the file that serves the connector, without `.exe`: it is added for windows.",
	},
	{
		ID: "executable-shared", Severity: finding.Warning,
		Title: "A connector starts the executable of another one without `args`, where the other has some: it is not told which " +
			"of them it is.",
		Fix: "Give each connector `args` of its own.",
	},
	{
		ID: "container", Severity: finding.Error,
		Title: "Only a container image serves the connector: the released plakar runs executables only. A warning where " +
			"`kpkg verify` has the images.",
		Fix: "Name an executable beside the image.",
	},
	{
		ID: "image", Severity: finding.Warning, Strict: true,
		Title: "`image_id` beside an `executable`, `image` without an `image_id`, `localfs` for a container.",
		Fix:   "Name either an image or an executable, and an `image_id` with the image.",
	},
	{
		ID: "validator-missing", Severity: finding.Warning, Strict: true,
		Title: "No `validator`.",
		Fix:   "Add a JSON schema of the connector's configuration, as in `validator: ./importer/schema.json`.",
	},
	{
		ID: "path", Severity: finding.Error,
		Title: "A path that is empty, absolute, leaves the manifest's folder, contains `\\` or control characters, is longer " +
			"than 1,024 bytes or leads through more than 15 folders.",
		Fix: "Write it relative to the manifest, with `/`.",
	},
	{
		ID: "file-missing", Severity: finding.Error,
		Title: "A validator or extra file that does not exist or cannot be read. Executables may not exist yet.",
		Fix:   "Put the file there, or correct its path.",
	},
	{
		ID: "file-kind", Severity: finding.Error,
		Title: "A folder, a device, or anything reached by a symbolic link, in place of a file.",
		Fix:   "Name the regular file itself.",
	},
	{
		ID: "package-case", Severity: finding.Error,
		Title: "Two files, or folders, whose names differ by case alone; a warning where neither the package nor " +
			"`build.platforms` is for windows.",
		Fix: "Rename one of them.",
	},
	{
		ID: "package-path", Severity: finding.Error,
		Title: "A name that windows refuses, in a package for windows or where `build.platforms` has windows.",
		Fix:   "Rename it.",
	},
	{
		ID: "validator-json", Severity: finding.Error,
		Title: "Not a JSON object, or larger than 256 KiB. Something after the object is a warning, strict.",
		Fix:   "Make it one JSON object of at most 256 KiB.",
	},
	{
		ID: "validator-limit", Severity: finding.Error,
		Title: "More than can be judged: all validators of a manifest together hold more than 10,000 values, 3,000 objects " +
			"or regular expressions of more than 100,000 instructions; one nests deeper than 32, has a key of more than 256 " +
			"bytes, a number of more than 100 characters or beyond 1e±308.",
		Fix: "Make the schemas smaller.",
	},
	{
		ID: "validator-compile", Severity: finding.Warning, Strict: true,
		Title: "Not a valid schema of its draft (2020-12 if it names none), or one that refers to another file or host.",
		Fix:   "Correct the schema; use local references such as `#/$defs/x` only.",
	},
	{
		ID: "validator-type", Severity: finding.Warning, Strict: true,
		Title: "The root does not have exactly the type `object`.",
		Fix:   "Write `\"type\": \"object\"` at the root.",
	},
	{
		ID: "validator-property", Severity: finding.Warning, Strict: true,
		Title: "A property of the root without `type` or `$ref`.",
		Fix:   "Give the property a `type`.",
	},
	{
		ID: "validator-nested", Severity: finding.Warning, Strict: true,
		Title: "A property that is or may be an object or a list: plakar's options are flat.",
		Fix:   "Make one property with a scalar type of each part.",
	},
	{
		ID: "validator-enum", Severity: finding.Warning, Strict: true,
		Title: "An enumerated value of a property that is not a string.",
		Fix:   "Write the values as strings.",
	},
	{
		ID: "build", Severity: finding.Error,
		Title: "A setting under `build` that kpkg cannot use.",
		Fix:   "Correct the setting: docs/building.md has them all.",
	},
	{
		ID: "build-unused", Severity: finding.Warning,
		Title: "A main package given for an executable that no connector names.",
		Fix:   "Correct the name, or remove the entry.",
	},
	{
		ID: "build-entangled", Severity: finding.Warning, Strict: true,
		Title: "`build` cannot be left out of the packed manifest, because the rest uses an anchor in it or it comes by " +
			"a merge.",
		Fix: "Write `build` and what it shares with the rest apart, without anchors and merges between them.",
	},
}
