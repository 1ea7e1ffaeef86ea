package access

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// Credential is what a server is told of who asks.
type Credential struct {
	// Header is the value of the header Authorization; "" for nothing.
	Header string
	// Origin says where it is from, to be shown.
	Origin string
	secret string
}

// TokenVariable is the name of the variable with the bearer token of an address's host: its dots and the colon before its port
// become underscores, and its hyphens two, as in Terraform's TF_TOKEN_*.
func TokenVariable(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Port() == "443" {
		host = strings.TrimSuffix(host, ":443")
	}
	return TokenPrefix + strings.NewReplacer(".", "_", ":", "_", "-", "__", "[", "", "]", "").Replace(host)
}

// For is what there is for an address's host: what an address had, a token, or a line in netrc. Over http only what the address
// itself had is sent.
func (a *Access) For(u *url.URL) (Credential, error) {
	a.mu.Lock()
	user := a.users[origin(u)]
	a.mu.Unlock()
	if user != nil {
		password, _ := user.Password()
		return Basic(user.Username(), password, "the address"), nil
	}
	if u.Scheme != "https" {
		return Credential{}, nil
	}
	name := TokenVariable(u)
	if token := strings.TrimSpace(os.Getenv(name)); token != "" {
		return Credential{"Bearer " + token, name, token}, nil
	}
	line, err := fromNetrc(strings.ToLower(u.Hostname()))
	if err != nil || line == nil {
		return Credential{}, err
	}
	return Basic(line.login, line.password, line.file), nil
}

// Basic is a user with a password; from says where they are from.
func Basic(user, password, from string) Credential {
	return Credential{"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)), from, password}
}

// Hide takes the credential out of what another program has said.
func (c Credential) Hide(text string) string {
	_, encoded, _ := strings.Cut(c.Header, " ")
	for _, secret := range []string{c.Header, encoded, c.secret} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[secret]")
		}
	}
	return text
}

// add puts it into a request that has none.
func (c Credential) add(request *http.Request) {
	if c.Header != "" && request.Header.Get("Authorization") == "" && request.URL.User == nil {
		request.Header.Set("Authorization", c.Header)
	}
}
