// Package wire encodes and decodes the messages of integration-grpc v1.1.0 by hand, on protobuf's wire format
// (google.golang.org/protobuf/encoding/protowire), straight from and to kloset's types. The tests compare it with the
// generated code, both ways.
//
// Decoding trusts nothing: every length is checked against what is there, unknown fields are skipped, and a wrong wire
// type is an error. Encoding never emits a string that is not UTF-8, which would make the receiving host give up
// the call: see appendRecord.
package wire
