// Package connector backs up from, restores to and keeps stores on servers over SFTP (draft-ietf-secsh-filexfer-02, version 3),
// with SSH connections of its own: no other program is started. A server is spoken to only when its key is known.
package connector
