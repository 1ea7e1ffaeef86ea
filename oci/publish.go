package oci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/registry"
	"github.com/PlakarKorp/kpkg/release"
)

// Pushed is what was done with a version.
type Pushed struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Reference is the address of the version, Digest that of its index.
	Reference string `json:"reference"`
	Digest    string `json:"digest,omitempty"`
	What      What   `json:"what"`
	// Images are those that its packages name by a name.
	Images []PushedImage `json:"images,omitempty"`
}

// What is what was done.
type What string

const (
	// Added is a version that was not there.
	Added What = "added"
	// Completed is one of which an interrupted run had left something undone, or that was signed again.
	Completed What = "completed"
	// Unchanged is one that was there as it is.
	Unchanged What = "unchanged"
	// Withdrawn is one that is not published, as the tree says that it is withdrawn.
	Withdrawn What = "withdrawn"
)

// PublishOptions say how.
type PublishOptions struct {
	Access Access
	// Single has the one release go to the repository itself, and not to one below it that has the integration's name.
	Single bool
	// Progress, when set, is told the name and the size in bytes of each file that is about to be sent. Calls do not overlap.
	Progress func(name string, size int64)
}

// ErrDifferent is wrapped by the error about a version that the repository has with other bytes.
var ErrDifferent = errors.New("what is published under a version does not change: release it as a new one")

// Publish puts releases into a registry: each into the repository at a that has the integration's name, or into this one. The images that
// packages name go where their names say, before the version is there. A version, or an image, that is there already must have the same
// bytes. What a run that was interrupted has left undone is done. The versions that were published before an error are returned with it.
func Publish(ctx context.Context, a Address, releases []registry.Release, opts PublishOptions) ([]Pushed, error) {
	type plan struct {
		Pushed
		*repository
		set    *set
		images []*named
	}
	var plans []plan
	called := map[string]string{} // the digests of images, by their names
	// All are looked at before anything is sent.
	for _, r := range releases {
		to := a
		var err error
		if !opts.Single {
			if to, err = a.below(r.Entry.Name); err != nil {
				return nil, fmt.Errorf("%s gets no repository of its name: %w", r.Entry.Name, err)
			}
		}
		to.Version = r.Version.Version
		p := plan{Pushed: Pushed{Name: r.Entry.Name, Version: r.Version.Version, Reference: to.String(), What: Withdrawn}}
		if r.Withdrawn != "" {
			plans = append(plans, p)
			continue
		}
		if p.set, err = newSet(r, beside); err != nil {
			return nil, err
		}
		if p.repository, err = open(ctx, to, opts.Access); err != nil {
			return nil, err
		}
		if p.What, err = p.compare(ctx, p.set); err != nil {
			return nil, err
		}
		p.Digest = p.set.index.Digest.String()
		if p.images, err = findNamed(ctx, r, to, p.set.tag, opts.Access); err != nil {
			return nil, err
		}
		for _, n := range p.images {
			if other, known := called[n.Reference]; known && other != n.Digest {
				return nil, fmt.Errorf("%s is the name of images in two of the releases: give each release a name of its own", n.Reference)
			}
			called[n.Reference] = n.Digest
			if n.What != Unchanged && p.What == Unchanged {
				p.What = Completed
			}
			p.Images = append(p.Images, n.PushedImage)
		}
		plans = append(plans, p)
	}
	var pushed []Pushed
	for _, p := range plans {
		for _, n := range p.images {
			if err := n.push(ctx, opts.Progress); err != nil {
				return pushed, err
			}
		}
		if p.set != nil && p.What != Unchanged {
			if err := p.push(ctx, p.set, opts.Progress); err != nil {
				return pushed, err
			}
		}
		pushed = append(pushed, p.Pushed)
	}
	return pushed, nil
}

// beside reads the sum or the signature of a file; nil for none.
func beside(file, extension string) ([]byte, error) {
	data, err := regular.Read(file+extension, release.MaxSidecar+1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && len(data) > release.MaxSidecar {
		err = fmt.Errorf("it is larger than %d bytes", release.MaxSidecar)
	}
	return data, err
}

// compare tells what is to be done to have the set in the repository, and refuses other bytes under its tags.
func (r *repository) compare(ctx context.Context, s *set) (What, error) {
	tagged, there := s.tagged(), 0
	for _, tag := range slices.Sorted(maps.Keys(tagged)) {
		d, found, err := r.resolve(ctx, tag)
		if err != nil {
			return "", err
		}
		if found && d.Digest != tagged[tag].Digest {
			return "", fmt.Errorf("%s is there already, with other bytes: %w", r.tagged(tag), ErrDifferent)
		}
		if found {
			there++
		}
	}
	switch {
	case there == 0:
		return Added, nil
	case there < len(tagged):
		return Completed, nil
	}
	missing, err := r.missing(ctx, s)
	if err != nil || len(missing) > 0 {
		return Completed, err
	}
	return Unchanged, nil
}

// tagged are the manifests that have tags.
func (s *set) tagged() map[string]object {
	all := maps.Clone(s.packages)
	all[s.tag] = s.index
	return all
}

// missing are the artifacts of the set that are not listed as referring to their manifests.
func (r *repository) missing(ctx context.Context, s *set) ([]object, error) {
	var missing []object
	for _, subject := range s.subjects() {
		there, err := r.referrers(ctx, subject.Descriptor)
		if err != nil {
			return nil, err
		}
		for _, o := range s.referrers[subject.Digest] {
			if !slices.ContainsFunc(there, func(d ocispec.Descriptor) bool { return d.Digest == o.Digest }) {
				missing = append(missing, o)
			}
		}
	}
	return missing, nil
}

// subjects are the manifests to which artifacts refer: the packages' by their tags, then the index.
func (s *set) subjects() []object {
	var all []object
	for _, tag := range slices.Sorted(maps.Keys(s.packages)) {
		all = append(all, s.packages[tag])
	}
	return append(all, s.index)
}

// sendingAtOnce is how many files are sent at a time.
const sendingAtOnce = 3

// push sends what is not there, in an order in which nothing names what is not there yet, and gives the version its tag.
func (r *repository) push(ctx context.Context, s *set, progress func(string, int64)) error {
	if err := r.pushBlobs(ctx, s.blobs, progress); err != nil {
		return err
	}
	for _, tag := range slices.Sorted(maps.Keys(s.packages)) {
		if err := r.pushManifest(ctx, s.packages[tag], tag); err != nil {
			return err
		}
	}
	if err := r.pushManifest(ctx, s.index, s.index.Digest.String()); err != nil {
		return err
	}
	// A second look, since where artifacts are listed by a tag, another run may have written the list between this one's reading
	// and writing of it.
	for range 3 {
		missing, err := r.missing(ctx, s)
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			return r.pushManifest(ctx, s.index, s.tag)
		}
		for _, o := range missing {
			// Not skipped where it is there: it is the push that has it listed.
			if err := r.remote.Push(ctx, o.Descriptor, bytes.NewReader(o.data)); err != nil {
				return r.explain("publishing what belongs to "+r.tagged(s.tag), err)
			}
		}
	}
	return fmt.Errorf("%s does not keep what belongs to %s: another run publishes it at the same time, or the registry loses it",
		r.Host, r.tagged(s.tag))
}

// pushManifest sends a manifest, unless it is there under its tag or digest.
func (r *repository) pushManifest(ctx context.Context, o object, reference string) error {
	if d, found, err := r.resolve(ctx, reference); err != nil {
		return err
	} else if found && d.Digest == o.Digest {
		return nil
	} else if found {
		return fmt.Errorf("%s is there already, with other bytes: %w", r.tagged(reference), ErrDifferent)
	}
	return r.explain("publishing "+r.tagged(reference), r.remote.PushReference(ctx, o.Descriptor, bytes.NewReader(o.data), reference))
}

// pushBlobs sends the files that are not there.
func (r *repository) pushBlobs(ctx context.Context, blobs map[digest.Digest]blob, progress func(string, int64)) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sendingAtOnce)
	told := make(chan struct{}, 1)
	for _, key := range slices.Sorted(maps.Keys(blobs)) {
		b := blobs[key]
		group.Go(func() error {
			there, err := r.remote.Blobs().Exists(ctx, b.Descriptor)
			if err != nil || there {
				return r.explain("looking for "+b.name+" in "+r.Address.String(), err)
			}
			if progress != nil && b.path != "" {
				told <- struct{}{}
				progress(b.name, b.Size)
				<-told
			}
			return r.explain("sending "+b.name+" to "+r.Address.String(), r.pushBlob(ctx, b))
		})
	}
	return group.Wait()
}

func (r *repository) pushBlob(ctx context.Context, b blob) error {
	var content io.Reader = bytes.NewReader(b.data)
	if b.data == nil {
		file, err := regular.Open(b.path)
		if err != nil {
			return err
		}
		defer file.Close()
		content = io.NewSectionReader(file, b.at, b.Size)
	}
	return r.remote.Blobs().Push(ctx, b.Descriptor, content)
}
