package registry

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/web"
)

// site holds the list of pages to its sums and to the indexes that it was made of. What a page shows is not read: it says what it
// was made of, and what made it has signed that.
func (c *check) site(ctx context.Context) error {
	if _, err := read(ctx, c.source, web.ListName, maxJSON); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	c.pages = true
	index, err := read(ctx, c.source, IndexName, maxJSON)
	if err != nil {
		return nil // which was told
	}
	prereleases, err := read(ctx, c.source, PrereleasesName, maxJSON)
	if err != nil {
		return nil
	}
	of := indexSum(index, prereleases)
	stamp, err := c.rootPage(ctx, web.ListName, of)
	if err != nil {
		return err
	}
	for number := 2; number <= min(stamp.Pages, maxPages); number++ {
		if _, err := c.rootPage(ctx, web.NextListName(number), of); err != nil {
			return err
		}
	}
	names := []string{web.DataName, web.FeedName}
	if stamp.Base != "" {
		names = append(names, web.SitemapName)
	}
	for _, name := range names {
		if _, err := c.rootFile(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// maxPages is how many pages of a list are looked for, whatever the first one says.
const maxPages = 10_000

func (c *check) rootPage(ctx context.Context, name, of string) (web.Stamp, error) {
	data, err := c.rootFile(ctx, name)
	if err != nil || data == nil {
		return web.Stamp{}, err
	}
	if c.told(PrereleasesName) {
		return web.ReadStamp(data)
	}
	return c.stamp(name, data, of, IndexName), nil
}

// page reads a page and holds it to what it has to be made of.
func (c *check) page(ctx context.Context, name, of, what string) error {
	data, err := c.ownFile(ctx, name)
	if err == nil && data != nil {
		c.stamp(name, data, of, what)
	}
	return err
}

func (c *check) stamp(name string, data []byte, of, what string) web.Stamp {
	stamp, err := web.ReadStamp(data)
	switch {
	case err != nil:
		c.fail("registry-form", name, err.Error(), "upload it again from the tree that kpkg index has made")
	case stamp.Of != of && !c.told(what):
		c.fail("registry-stale", name,
			finding.Sprintf("it was made of another %s than the one that is there", path.Base(what)), "upload both again")
	}
	return stamp
}

// told tells whether something was found about a file: what is made of it differs for that reason.
func (c *check) told(file string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.Findings, func(f finding.Finding) bool { return f.File == file })
}
