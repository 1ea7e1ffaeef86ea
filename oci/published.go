package oci

import (
	"context"
	"fmt"

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
