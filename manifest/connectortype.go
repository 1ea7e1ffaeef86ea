package manifest

import "slices"

// The types of connectors of the schema. The released plakar uses the first three.
const (
	Importer       = "importer"
	Exporter       = "exporter"
	Storage        = "storage"
	SecretProvider = "secret_provider"
	Inventory      = "inventory"
)

// ConnectorTypes are the types that a connector may have, in the order of the schema.
func ConnectorTypes() []string { return schemaEnum("type") }

// builtins are the protocols that plakar v1.1.4 registers for the connectors in its own binary, by type of connector. Its
// package manager refuses a package that claims one of them for the same type. A test holds the table to the modules that
// plakar links; they stay out of kpkg's binary.
var builtins = map[string][]string{
	Importer: {"fs", "stdin", "tar", "tar+gz", "tar+gzip", "tgz"},
	Exporter: {"fs", "stderr", "stdout"},
	Storage:  {"fs", "http", "https", "ptar", "ptar+http", "ptar+https"},
}

// IsBuiltin tells a protocol that the released plakar serves itself for a type of connector.
func IsBuiltin(connectorType, protocol string) bool {
	return slices.Contains(builtins[connectorType], protocol)
}

// servesLocations tells whether the released plakar uses connectors of the type at all; it skips the others.
func servesLocations(connectorType string) bool {
	return slices.Contains(released.types, connectorType)
}

// IsClass tells whether a connector, or what an inventory lists, may have the class and the subclass; "" is none.
func IsClass(class, subclass string) bool {
	known := class == "" || slices.Contains(schemaEnum("class"), class)
	above, _ := ClassOf(subclass)
	return known && (subclass == "" || above == class && class != "")
}

// ClassOf is the class of a product that some class has as a subclass, and that subclass: those of "ftp" are "service" and
// "ftp". Both are "" for what none has.
func ClassOf(product string) (class, subclass string) {
	_, rules := follow(schemaDocument(), []string{"$defs", "connector", "allOf"})
	all, _ := rules.([]any)
	for _, rule := range all {
		_, name := follow(rule, []string{"if", "properties", "class", "const"})
		_, subclasses := follow(rule, []string{"then", "properties", "subclass", "enum"})
		if known, isText := name.(string); isText && slices.Contains(texts(subclasses), product) {
			return known, product
		}
	}
	return "", ""
}
