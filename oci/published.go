package oci

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/manifest"
)

// Published is which packages a registry has, as the tags of its repositories say.
type Published struct {
	at     Address
	single bool
	access Access
	tags   map[string]map[string]bool // by the name of the integration
}

// NewPublished is for the repositories of integrations below an address or, with single, for that of one integration there.
func NewPublished(a Address, single bool, access Access) *Published {
	return &Published{at: a, single: single, access: access, tags: map[string]map[string]bool{}}
}

// Has tells whether the package was published, with its version or ahead of it. It is not for several goroutines at a time.
func (p *Published) Has(ctx context.Context, id manifest.Identity) (bool, error) {
	tags, known := p.tags[id.Name]
	if !known {
		at, err := p.at, error(nil)
		if !p.single {
			if at, err = p.at.below(id.Name); err != nil {
				return false, fmt.Errorf("%s has no repository of its name: %w", id.Name, err)
			}
		}
		r, err := open(ctx, at, p.access)
		if err != nil {
			return false, err
		}
		if tags, err = r.tags(ctx); err != nil {
			return false, err
		}
		p.tags[id.Name] = tags
	}
	return tags[Tag(id.Version, executable.Platform{OS: id.OS, Arch: id.Arch})], nil
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
