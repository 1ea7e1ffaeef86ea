// Package socket serves a host by a socket, as the clients that run connectors in containers ask for it: the plugin listens, the
// host connects once. It does without package net, which alone would make a plugin an eighth larger.
package socket

// Variable is the environment variable by which a host asks for a socket. Its value is [Scheme] and the path of the socket.
const Variable = "PLAKAR_PLUGIN_LISTEN"

// Scheme is what the addresses begin with: there are no others than Unix's.
const Scheme = "unix://"
