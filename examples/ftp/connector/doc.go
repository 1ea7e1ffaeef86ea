// Package connector backs up a tree of files from an FTP server, and restores one to it.
//
// It speaks passive mode only, plain or with TLS. What one entry lacks is an error of that entry: never an incomplete
// backup that looks complete, and never half a file under its name.
package connector
