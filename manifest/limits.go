package manifest

// What a manifest and its validators may hold: they come from strangers. Real manifests are around one kilobyte, real
// validators hold a few hundred values.
const (
	// MaxSize is the largest manifest that Read looks into, in bytes.
	MaxSize = 1 << 20
	// maxValues bounds what a manifest's aliases may expand to, and what all its validators may hold together.
	maxValues = 10_000
	// maxPath is the longest path in a manifest, in bytes, and maxFolders how many folders it may lead through: a package
	// with more is not read.
	maxPath    = 1024
	maxFolders = 15

	// MaxValidatorSize is the largest connector schema that CheckValidator looks into, in bytes.
	MaxValidatorSize = 256 << 10
	// maxSchemas is how many objects and booleans, each of which may be a schema, all validators of a manifest may hold
	// together: the schema library looks at each schema of a file for each other one.
	maxSchemas = 3_000
	// maxSchemaDepth is how deep the values of a validator may nest. The schema library judges a value again for each
	// reference to what is around it, and keeps the path of each value.
	maxSchemaDepth = 32
	// maxSchemaKey is the longest key of a validator, in bytes: it is part of the path of every value below.
	maxSchemaKey = 256
	// maxSchemaNumber is the longest number of a validator, in characters, and maxSchemaExponent its largest power of ten,
	// above or below zero: numbers are compared in all their digits.
	maxSchemaNumber   = 100
	maxSchemaExponent = 308
	// maxSchemaRegexps is how large all regular expressions of a manifest's validators may be together, in instructions once
	// their repetitions are written out: (a{1000}){100} is short and takes long to compile.
	maxSchemaRegexps = 100_000
)
