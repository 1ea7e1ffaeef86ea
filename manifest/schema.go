package manifest

import "slices"

// ConnectorTypes are the types that a connector may have, in the order of the schema.
func ConnectorTypes() []string { return slices.Clone(schemaEnum("type")) }
