package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/release"
)

// Package is one that was found in a repository.
type Package struct {
	manifest.Identity
	// Reference is the address of its version, with the number.
	Reference string
	// Open reads it, and fails at the end where the bytes are not those of its digest.
	Open func(ctx context.Context) (io.ReadCloser, error)
	// Beside reads its sum and signature.
	Beside release.Beside
}

// Find finds the package for a platform, of the version that the address names or else of the newest for everybody. Of several
// signatures it is the one that trust has no fault to find with, if there is one.
func Find(ctx context.Context, a Address, platform executable.Platform, access Access, trust release.Trust) (*Package, error) {
	r, err := open(ctx, a, access)
	if err != nil {
		return nil, err
	}
	number := a.Version
	if number == "" {
		if number, err = r.newest(ctx); err != nil {
			return nil, err
		}
	}
	v, err := r.version(ctx, number)
	if err != nil {
		return nil, err
	}
	var has []string
	for _, d := range v.packages {
		if d.Platform == nil {
			continue
		}
		its := executable.Platform{OS: d.Platform.OS, Arch: d.Platform.Architecture}
		if its != platform {
			has = append(has, finding.Cut(its.String()))
			continue
		}
		p, err := v.packaged(ctx, d)
		if err != nil {
			return nil, err
		}
		beside, err := v.signature(ctx, p, trust)
		if err != nil {
			return nil, err
		}
		a.Version = number
		return &Package{
			Identity: p.Identity, Reference: a.String(), Beside: beside,
			Open: func(ctx context.Context) (io.ReadCloser, error) { return r.whole(ctx, p.layer) },
		}, nil
	}
	return nil, fmt.Errorf("there is no package for %s in %s; there are those for %s", platform, r.tagged(Tag(number, noPlatform)),
		strings.Join(has, ", "))
}

// whole reads a blob from its begin to its end, held to its digest.
func (r *repository) whole(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	body, _, err := r.blob(ctx, d, 0)
	if err != nil {
		return nil, err
	}
	return &held{ReadCloser: body, verifier: d.Digest.Verifier(), left: d.Size, fail: func(why string) error {
		return r.damaged(d, fmt.Errorf("%s: %w", why, content.ErrMismatchedDigest))
	}}, nil
}

// held is content that ends with an error where it is not that of a digest.
type held struct {
	io.ReadCloser
	verifier digest.Verifier
	left     int64
	fail     func(why string) error
}

func (h *held) Read(b []byte) (int, error) {
	n, err := h.ReadCloser.Read(b)
	h.verifier.Write(b[:n])
	if h.left -= int64(n); h.left < 0 {
		return n, h.fail("it is longer")
	}
	if errors.Is(err, io.EOF) && (h.left > 0 || !h.verifier.Verified()) {
		return n, h.fail("read to its end")
	}
	return n, err
}

// signature finds the sum and the signature of a package.
func (v *version) signature(ctx context.Context, p *packaged, trust release.Trust) (release.Beside, error) {
	besides, err := v.besides(ctx, p.FileName(), p.manifest, TypeSignature)
	if err != nil {
		return nil, err
	}
	return best(besides, trust, release.Sum{Name: p.FileName(), SHA256: p.layer.Digest.Encoded()})
}

// best is the pair of sum and signature that trust has no fault to find with, else any.
func best(besides []map[string][]byte, trust release.Trust, sum release.Sum) (release.Beside, error) {
	chosen := func(string) ([]byte, error) { return nil, fs.ErrNotExist }
	for i, one := range besides {
		beside := func(extension string) ([]byte, error) {
			if data := one[extension]; data != nil {
				return data, nil
			}
			return nil, fs.ErrNotExist
		}
		signed, findings, err := trust.Judge(sum.Name, sum, beside)
		if err != nil {
			return nil, err
		}
		if signed != nil && !finding.HasErrors(findings) {
			return beside, nil
		}
		if i == 0 {
			chosen = beside
		}
	}
	return chosen, nil
}

// besides reads the sums and signatures of a file out of the artifacts of a kind that refer to a manifest: for each artifact that
// has one, its content by extension.
func (v *version) besides(ctx context.Context, name string, subject ocispec.Descriptor, kind string) ([]map[string][]byte, error) {
	referrers, err := v.referrers(ctx, subject)
	if err != nil {
		return nil, err
	}
	var all []map[string][]byte
	for _, d := range ours(referrers, kind) {
		layers, err := v.artifact(ctx, d, subject)
		if err != nil {
			return nil, err
		}
		one, err := v.pair(ctx, name, layers)
		if err != nil {
			return nil, err
		}
		if len(one) > 0 {
			all = append(all, one)
		}
	}
	return all, nil
}

// pair reads the sum and the signature of a file among the layers of an artifact, by their extensions.
func (r *repository) pair(ctx context.Context, name string, layers map[string]ocispec.Descriptor) (map[string][]byte, error) {
	pair := map[string][]byte{}
	for _, extension := range []string{release.SumExtension, release.SignatureExtension} {
		layer, found := layers[name+extension]
		if !found {
			continue
		}
		var err error
		if pair[extension], err = r.small(ctx, layer, release.MaxSidecar); err != nil {
			return nil, err
		}
	}
	return pair, nil
}
