// Package rpc is the server's half of gRPC over package h2: messages with a length before them, a status after them.
// It knows no protobuf runtime, no interceptors, no compression; a Method reads and writes encoded messages.
//
// A message's announced length is never allocated before its bytes have arrived, and a bulk message need not be in
// memory: Call.Read streams out of it.
package rpc
