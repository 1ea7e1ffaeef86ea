// Package host starts a plugin and speaks to it, as plakar does: the executable serves one connector over its standard
// input and output, which carry gRPC (integration-grpc v1.1.0). The client's code is integration-grpc's own, so that what
// works here works with plakar.
//
// Around it stands what a program needs that runs other people's plugins: no shell and a clean environment, time limits
// on starting, Init, Close and the end, the cause when a plugin does not start or dies, its standard error in order and
// in bounds, secrets cut out of errors, and nothing left running. The package refuses to guess what a plugin is: which
// connector it serves, and for which protocol, its caller says.
package host
