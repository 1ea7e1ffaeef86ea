// Package secretprovider has the messages of secret providers, which integration-grpc v1.1.0 does not have: the SDK's own coding
// is tested against them, and hosts speak them. docs/protocol.md has their text.
package secretprovider

//go:generate protoc --go_out=. --go_opt=paths=source_relative secret_provider.proto

// The paths of the calls.
const (
	Init    = "/secret_provider.SecretProvider/Init"
	Resolve = "/secret_provider.SecretProvider/Resolve"
	Close   = "/secret_provider.SecretProvider/Close"
)
