// Package inventory has the messages of inventories, which integration-grpc v1.1.0 does not have: the SDK's own coding is tested
// against them, and hosts speak them. docs/protocol.md has their text.
package inventory

//go:generate protoc --go_out=. --go_opt=paths=source_relative inventory.proto

// The paths of the calls.
const (
	Init  = "/inventory.Inventory/Init"
	List  = "/inventory.Inventory/List"
	Close = "/inventory.Inventory/Close"
)
