package rig

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Who may use the OCI registry. registryHash is bcrypt's of RegistryPassword, of the lowest cost: it is computed for each request.
const (
	RegistryUser     = "joe"
	RegistryPassword = "correct-horse"
	registryHash     = "$2b$04$Wn9JgCPfra.OoUpdHcv5IOx4nikqbtSF.lv3BF68AU8hhi02DqaJ."
)

// OCIRegistry is Debian's docker-registry, with TLS by an authority of its own and users with passwords. It has no API of referrers.
type OCIRegistry struct {
	*Server
	// CAFile is the authority's certificate, DockerConfig a folder with the credentials of docker login.
	CAFile, DockerConfig string
	// Storage is the folder in which it keeps what it holds, by digests.
	Storage string
}

// StartOCIRegistry starts one, and waits until it answers.
func StartOCIRegistry() (*OCIRegistry, error) {
	program, err := findServer("docker-registry", "docker-registry")
	if err != nil {
		return nil, err
	}
	server, err := startServer(program, func(dir, port string) ([]string, error) {
		conf := filepath.Join(dir, "config.yml")
		return []string{"serve", conf}, configureRegistry(conf, dir, port)
	})
	if err != nil {
		return nil, err
	}
	r := &OCIRegistry{
		Server: server, CAFile: filepath.Join(server.dir, "cert.pem"), DockerConfig: filepath.Join(server.dir, "docker"),
		Storage: filepath.Join(server.dir, "storage", "docker", "registry", "v2"),
	}
	login := base64.StdEncoding.EncodeToString([]byte(RegistryUser + ":" + RegistryPassword))
	config := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, r.Address, login)
	if err := errors.Join(os.Mkdir(r.DockerConfig, 0o700),
		os.WriteFile(filepath.Join(r.DockerConfig, "config.json"), []byte(config), 0o600)); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return r, nil
}

func configureRegistry(conf, dir, port string) error {
	if err := WriteCertificate(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")); err != nil {
		return err
	}
	users := filepath.Join(dir, "users")
	if err := os.WriteFile(users, []byte(RegistryUser+":"+registryHash+"\n"), 0o600); err != nil {
		return err
	}
	text := fmt.Sprintf(`version: 0.1
log: {level: error}
storage:
  filesystem: {rootdirectory: %[1]s/storage}
http:
  addr: 127.0.0.1:%[2]s
  secret: interop
  tls: {certificate: %[1]s/cert.pem, key: %[1]s/key.pem}
auth:
  htpasswd: {realm: interop, path: %[3]s}
`, dir, port, users)
	return os.WriteFile(conf, []byte(text), 0o600)
}

// WriteCertificate writes a certificate for the loopback interface that is its own authority.
func WriteCertificate(certificate, key string) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "interop"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
	)
}
