package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/mod/semver"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
	"oras.land/oras-go/v2/registry/remote/retry"

	"github.com/PlakarKorp/kpkg/internal/jsonbound"
)

// Bounds of what is read of a repository.
const (
	maxManifest = 4 << 20 // as much as registries have to take of one
	// maxManifestMemory is how much its values may take, in bytes.
	maxManifestMemory = 16 << 20
	maxTags           = 100_000
	maxListed         = 1000 // packages of a version, artifacts that refer to a manifest, layers of one
)

// Access is how registries are reached.
type Access struct {
	// Client does all requests, those to the service that gives tokens included.
	Client *http.Client
	// Credential gives the credentials for a host and port; nil has none.
	Credential auth.CredentialFunc
}

// helperEnd is how long a run that is interrupted waits for the end of a program that keeps credentials: half of the second in which
// ^C is answered.
const helperEnd = 500 * time.Millisecond

// DockerCredentials gives the credentials of docker login: those in $DOCKER_CONFIG/config.json, ~/.docker/config.json without that
// variable, or in the stores and helpers that the file names.
func DockerCredentials() (auth.CredentialFunc, error) {
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the credentials of docker login: %w", err)
	}
	credential := credentials.Credential(store)
	return func(ctx context.Context, host string) (auth.Credential, error) {
		type found struct {
			auth.Credential
			error
		}
		answered := make(chan found, 1)
		go func() {
			c, err := credential(ctx, host)
			answered <- found{c, err}
		}()
		select {
		case f := <-answered:
			return f.Credential, f.error
		case <-ctx.Done():
		}
		// The helper is killed now, which whoever ends the process at once could come before. What the helper has started may hold its
		// output open for as long as it likes.
		select {
		case <-answered:
		case <-time.After(helperEnd):
		}
		return auth.EmptyCredential, context.Cause(ctx)
	}, nil
}

// repository is one that is open.
type repository struct {
	Address
	remote *remote.Repository
}

// open opens a repository, which need not be there.
func open(ctx context.Context, a Address, access Access) (*repository, error) {
	r, err := remote.NewRepository(a.Host + "/" + a.Repository)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a, err)
	}
	client := *access.Client
	base := client.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	client.Transport = retry.NewTransport(base)
	r.Client = &auth.Client{
		Client: &client, Credential: access.Credential, Cache: auth.NewCache(), Header: http.Header{"User-Agent": {"kpkg"}},
	}
	// Without the API of referrers they are listed in an index by a tag, of which the one before stays: registries that take nothing
	// away would refuse all.
	r.SkipReferrersGC = true
	r.MaxMetadataBytes = maxManifest
	r.PlainHTTP = isPlain(ctx, a.Host, access.Client)
	return &repository{a, r}, nil
}

// isPlain tells a registry without TLS on this machine: others are spoken to by TLS only.
func isPlain(ctx context.Context, host string, client *http.Client) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if ip := net.ParseIP(name); name != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return false
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+"/v2/", nil)
	if err != nil {
		return false
	}
	answer, err := client.Do(request)
	if err == nil {
		answer.Body.Close()
	}
	return errors.Is(err, http.ErrSchemeMismatch)
}

// explain says of an error of the registry what to do.
func (r *repository) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	rights := "rights to read " + r.Repository
	var answer *errcode.ErrorResponse
	isAnswer := errors.As(err, &answer)
	if isAnswer && answer.Method != http.MethodGet && answer.Method != http.MethodHead {
		rights = "push rights"
	}
	switch {
	case errors.Is(err, auth.ErrBasicCredentialNotFound),
		isAnswer && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		return fmt.Errorf("%s: %s is not open to everybody, or not to you: log in to %s with %s, as with docker login: %w",
			doing, r.Address, r.Host, rights, err)
	case isAnswer && answer.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("%s: %s has had enough requests for now: try again later: %w", doing, r.Host, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// resolve is the descriptor that a tag has; ok is false where there is no such tag.
func (r *repository) resolve(ctx context.Context, tag string) (d ocispec.Descriptor, ok bool, err error) {
	d, err = r.remote.Resolve(ctx, tag)
	if errors.Is(err, errdef.ErrNotFound) {
		return d, false, nil
	}
	return d, err == nil, r.explain("looking for "+r.tagged(tag), err)
}

func (r *repository) tagged(tag string) string {
	return Scheme + r.Host + "/" + r.Repository + ":" + tag
}

// manifest reads a manifest, held to its digest.
func (r *repository) manifest(ctx context.Context, d ocispec.Descriptor, into any) error {
	if d.Size > maxManifest || d.Size < 0 {
		return fmt.Errorf("the manifest %s in %s is larger than %d bytes", d.Digest, r.Address, maxManifest)
	}
	data, err := content.FetchAll(ctx, r.remote.Manifests(), d)
	if err != nil {
		return r.damaged(d, err)
	}
	if err := jsonbound.Unmarshal(data, into, maxManifestMemory); err != nil {
		return fmt.Errorf("the manifest %s in %s is none: %w", d.Digest, r.Address, err)
	}
	return nil
}

// small reads a blob that is not large, held to its digest.
func (r *repository) small(ctx context.Context, d ocispec.Descriptor, limit int64) ([]byte, error) {
	if d.Size > limit || d.Size < 0 {
		return nil, fmt.Errorf("%s in %s is larger than %d bytes", title(d), r.Address, limit)
	}
	data, err := content.FetchAll(ctx, r.remote.Blobs(), d)
	return data, r.damaged(d, err)
}

func (r *repository) damaged(d ocispec.Descriptor, err error) error {
	if errors.Is(err, content.ErrMismatchedDigest) || errors.Is(err, content.ErrInvalidDescriptorSize) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s in %s has other bytes than its digest %s says: do not use it, and tell whoever keeps the registry: %w",
			title(d), r.Address, d.Digest, err)
	}
	return r.explain("reading "+title(d)+" in "+r.Address.String(), err)
}

// blob opens a large blob at an offset, or, where the registry gives no parts, at its begin. What is read is held to the digest by
// whoever reads all of it.
func (r *repository) blob(ctx context.Context, d ocispec.Descriptor, offset int64) (_ io.ReadCloser, begin int64, err error) {
	content, err := r.remote.Blobs().Fetch(ctx, d)
	if err != nil {
		return nil, 0, r.explain("reading "+title(d)+" in "+r.Address.String(), err)
	}
	if seeker, ok := content.(io.Seeker); ok && offset > 0 {
		if _, err := seeker.Seek(offset, io.SeekStart); err == nil {
			return content, offset, nil
		}
	}
	return content, 0, nil
}

// title is what people call a file.
func title(d ocispec.Descriptor) string {
	if name := d.Annotations[ocispec.AnnotationTitle]; name != "" {
		return name
	}
	return d.Digest.String()
}

// referrers are the artifacts that refer to a manifest.
func (r *repository) referrers(ctx context.Context, subject ocispec.Descriptor) ([]ocispec.Descriptor, error) {
	var all []ocispec.Descriptor
	seen := map[digest.Digest]bool{}
	err := r.remote.Referrers(ctx, subject, "", func(some []ocispec.Descriptor) error {
		for _, d := range some {
			if !seen[d.Digest] {
				seen[d.Digest] = true
				all = append(all, d)
			}
		}
		if len(all) > maxListed {
			return fmt.Errorf("more than %d artifacts refer to %s", maxListed, subject.Digest)
		}
		return nil
	})
	return all, r.explain("looking for signatures and the like in "+r.Address.String(), err)
}

// tags are all that the repository has; none for one that is not there.
func (r *repository) tags(ctx context.Context) (map[string]bool, error) {
	all := map[string]bool{}
	err := r.remote.Tags(ctx, "", func(tags []string) error {
		for _, tag := range tags {
			all[tag] = true
		}
		if len(all) > maxTags {
			return fmt.Errorf("it has more than %d tags", maxTags)
		}
		return nil
	})
	var answer *errcode.ErrorResponse
	if errors.Is(err, errdef.ErrNotFound) || errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		return nil, nil
	}
	return all, r.explain("listing the tags in "+r.Address.String(), err)
}

// versions are those that the repository has, the newest first; none for a repository that is not there.
func (r *repository) versions(ctx context.Context) ([]string, error) {
	tags, err := r.tags(ctx)
	var all []string
	for tag := range tags {
		if version := versionOf(tag); version != "" && !isPackageTag(version) {
			all = append(all, version)
		}
	}
	slices.Sort(all) // for versions that only differ by what follows a "+"
	slices.SortStableFunc(all, func(a, b string) int { return -semver.Compare(a, b) })
	return all, err
}
