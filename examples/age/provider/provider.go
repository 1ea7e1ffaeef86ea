// Package provider gives secrets out of a file that is encrypted with age.
package provider

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/PlakarKorp/kpkg/sdk/settings"
)

// schema is the manifest's validator.
//
//go:embed schema.json
var schema []byte

// maxFile is the largest content of the file, in bytes.
const maxFile = 1 << 20

// Provider knows where the file is and who may read it. The secrets are in memory only while one is asked for, and a file that is
// changed counts at once.
type Provider struct {
	path       string
	identities []age.Identity
}

// New makes the provider, and fails if the file cannot be read with the identity.
func New(_ context.Context, config map[string]string) (*Provider, error) {
	var given struct{ Location, Identity string }
	if err := settings.Decode(schema, config, &given); err != nil {
		return nil, err
	}
	path, err := pathOf(given.Location)
	if err != nil {
		return nil, err
	}
	identities, err := age.ParseIdentities(strings.NewReader(given.Identity))
	if err != nil {
		return nil, errors.New("identity is not what age-keygen writes, lines of AGE-SECRET-KEY-1...") // age's error may repeat a line
	}
	p := &Provider{path, identities}
	_, err = p.read()
	return p, err
}

// pathOf is the path in age:///absolute/path.
func pathOf(location string) (string, error) {
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "age" || u.Host != "" || !strings.HasPrefix(u.Path, "/") {
		return "", errors.New("location is no age:///path/to/secrets.age")
	}
	return u.Path, nil
}

// Resolve returns the secret that the file has under the handle.
func (p *Provider) Resolve(_ context.Context, handle string) (string, error) {
	secrets, err := p.read()
	if err != nil {
		return "", err
	}
	secret, found := secrets[handle]
	if !found || handle == "" {
		return "", fmt.Errorf("%s has no secret %q", p.path, handle)
	}
	return secret, nil
}

// Close has nothing to close.
func (p *Provider) Close(context.Context) error { return nil }

// read decrypts the file. No error repeats what is in it.
func (p *Provider) read() (map[string]string, error) {
	file, err := os.Open(p.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	encrypted := bufio.NewReader(file)
	var r io.Reader = encrypted
	if begin, _ := encrypted.Peek(len(armor.Header)); string(begin) == armor.Header {
		r = armor.NewReader(encrypted)
	}
	decrypted, err := age.Decrypt(r, p.identities...)
	if err != nil {
		return nil, fmt.Errorf("decrypting %s: %w", p.path, err)
	}
	content, err := io.ReadAll(io.LimitReader(decrypted, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("decrypting %s: %w", p.path, err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s has more than %d bytes in it", p.path, maxFile)
	}
	var secrets map[string]string
	if err := json.NewDecoder(bytes.NewReader(content)).Decode(&secrets); err != nil {
		return nil, fmt.Errorf(`%s does not hold JSON of the form {"HANDLE": "SECRET"}`, p.path)
	}
	return secrets, nil
}
