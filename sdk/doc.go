// Package sdk is the runtime of a plakar integration: it serves a connector to plakar over the pipes plakar starts it
// with. A plugin's main is three lines:
//
//	func main() {
//		sdk.RunImporter(ftp.NewImporter)
//	}
//
// The constructors are kloset's own (importer.ImporterFn, exporter.ExporterFn, storage.StoreFn), so that a connector
// built into plakar becomes a plugin without a change to it. This package does not import kloset's packages of those
// types, because they would triple the size of a plugin: a connector that is written against [Importer], [Exporter] and
// [Store] here instead makes an executable of 3 MB.
//
// It speaks integration-grpc v1.1.0 with its own small HTTP/2 and protobuf code. What connectors get wrong must not
// cost a user data or leave a backup hanging, hence: an import is complete only if Import returned without an error; a
// panic is an error of the one call it happened in; what is printed goes to standard error; a forgotten close ends
// nothing but itself; entries a host cannot take become error entries; secrets of the configuration are cut out of
// errors. The package refuses to run without a host.
package sdk
