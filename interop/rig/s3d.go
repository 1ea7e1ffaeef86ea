package rig

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// The key that may do everything on an S3 server.
const (
	S3AccessKey = "interop"
	S3Secret    = "correct-horse"
)

// S3Server is versitygw, which keeps the objects of a bucket in the files of a folder, with TLS by an authority of its own.
type S3Server struct {
	*Server
	CAFile  string // the authority's certificate
	Buckets string // the folder that has a folder for each bucket
}

// BuildS3Server builds the server into dir, and returns its program.
func BuildS3Server(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "versitygw")
	return program, goBuild(ctx, filepath.Join(Root(), "interop", "trial"), program, "github.com/versity/versitygw/cmd/versitygw")
}

// StartS3Server starts the program that BuildS3Server has built, without a bucket, and waits until it answers.
func StartS3Server(program string) (*S3Server, error) {
	s := &S3Server{}
	server, err := startServer(program, func(dir, port string) ([]string, error) {
		key, kept := filepath.Join(dir, "key.pem"), filepath.Join(dir, "kept")
		s.CAFile, s.Buckets = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "buckets")
		return []string{
			"--port", "127.0.0.1:" + port, "--access", S3AccessKey, "--secret", S3Secret, "--cert", s.CAFile, "--key", key,
			"--keep-alive", "--quiet", "posix", "--sidecar", kept, s.Buckets,
		}, errors.Join(WriteCertificate(s.CAFile, key), os.Mkdir(s.Buckets, 0o755), os.Mkdir(kept, 0o755))
	})
	s.Server = server
	return s, err
}

// Settings are those of examples/s3 for this server, each after the flag if there is one.
func (s *S3Server) Settings(flag string) []string {
	var all []string
	for _, setting := range []string{"access_key=" + S3AccessKey, "secret_access_key=" + S3Secret, "ca_file=" + s.CAFile} {
		if flag != "" {
			all = append(all, flag)
		}
		all = append(all, setting)
	}
	return all
}
