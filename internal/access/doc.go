// Package access is how kpkg reaches web servers: with what the user has for them, and for nobody else.
//
// A bearer token comes from a variable of the environment that names its host, a name and a password from netrc or from an address,
// a client certificate from two files. Each is for https alone, but for what an address itself says, and for the host that a request
// began with: a redirect to another host or port gets none of it, one from https to http is not followed. No error, report or log
// has any of them: addresses are shown without what is secret in them.
//
// Certificates of servers are held to the system's authorities, which SSL_CERT_FILE replaces where Go's library lets it, and to those
// of one file more.
// HTTPS_PROXY, HTTP_PROXY and NO_PROXY are heeded.
package access
