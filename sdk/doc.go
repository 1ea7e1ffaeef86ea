// Package sdk is the runtime of a plakar integration: it serves a connector to plakar over the pipes plakar starts it
// with. A plugin's main is one line:
//
//	func main() { sdk.RunImporter(ftp.NewImporter) }
//
// # Which shape
//
// A source that can be listed and read is a [Scanner], of two methods. Whoever needs more writes an [Importer]; a destination
// is an [Exporter], a place where plakar keeps its data a [Store]. What gives others their passwords is a [SecretProvider], what
// lists what there is to back up an [Inventory]; both are unstable. One executable serves several of them with [Main].
//
// The constructors are kloset's own (importer.ImporterFn, exporter.ExporterFn, storage.StoreFn), so that a connector
// built into plakar becomes a plugin without a change to it. This package does not import kloset's packages of those
// types, because they would double the size of a plugin: write a new connector against the types here. [ImporterFn] says what
// a constructor gets and may return, [Flags] what plakar must know of locations.
//
// # Classes
//
// A connector in the manifest may name the class of what it reaches, and for some classes the product as its subclass, as in
// "class: service" with "subclass: ftp". plakar offers connectors for resources of their class.
//
//   - analytics: warehouses and reports, such as ClickHouse.
//   - block-storage: disks and volumes, such as a Kubernetes volume (pvc).
//   - compute: machines and functions, such as a virtual server's configuration.
//   - database: what answers queries: mongodb, mysql, postgresql, redis.
//   - file-storage: files in folders, such as a NAS or a JSON file of notes.
//   - hypervisor: what runs virtual machines: proxmox.
//   - identity: users and their rights, such as an LDAP directory.
//   - messaging: queues and chats, such as Kafka or Slack.
//   - network: DNS zones, firewalls, switches and their settings.
//   - object-storage: objects in buckets: azblob, gcs, s3.
//   - observability: logs, metrics and dashboards, such as Grafana.
//   - registry: artifacts by name and version, such as container images.
//   - security: keys and secrets, such as a vault (secret-manager, which released clients may not know).
//   - service: any other service with data of its users: ftp, imap, sftp.
//   - unknown: none of these.
//
// # What it takes care of
//
// It speaks integration-grpc v1.1.0 with its own small HTTP/2 and protobuf code. What connectors get wrong must not
// cost a user data or leave a backup hanging, hence: an import is complete only if Import returned without an error; a
// panic is an error of the one call it happened in; what is printed goes to standard error; a forgotten close ends
// nothing but itself; entries a host cannot take become error entries; secrets of the configuration are cut out of
// errors. The package refuses to run without a host.
package sdk
