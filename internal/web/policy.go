package web

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// policy is the content security policy of a page that carries all it needs: nothing is loaded, sent or run but what the
// directives name.
func policy(directives ...string) string {
	return strings.Join(append([]string{"default-src 'none'"}, append(directives, "base-uri 'none'", "form-action 'none'")...), "; ")
}

// digest names the one script or style sheet in a page that is the page's own.
func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
