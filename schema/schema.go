// Package schema holds the JSON schemas of what kpkg reads and prints. That of manifest.yaml is the one truth on its keys
// and enumerated values, for kpkg as for the editors that complete manifests with it.
//
// It describes what plakar's next validator accepts, the keys that only kpkg reads included. What today's client lets pass
// is not its business: how bad a violation is, package manifest decides.
package schema

import _ "embed"

// Manifest is manifest.schema.json, draft 2020-12.
//
//go:embed manifest.schema.json
var Manifest []byte

// Report is report.schema.json, draft 2020-12: all JSON that commands print with --format json.
//
//go:embed report.schema.json
var Report []byte
