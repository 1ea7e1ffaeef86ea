package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/semver"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

// seen is what is remembered of a tree: enough to tell an older one, which has all the right signatures.
type seen struct {
	Timestamp    time.Time                  `json:"timestamp"`
	Integrations map[string]seenIntegration `json:"integrations"`
}

type seenIntegration struct {
	// Offered is the version for everybody, "" for none.
	Offered string `json:"offered,omitempty"`
	// Versions are all, with a sum over what each consists of.
	Versions map[string]string `json:"versions"`
	// Withdrawn are those that are.
	Withdrawn map[string]bool `json:"withdrawn,omitempty"`
}

func readSeen(file string) (s seen, err error) {
	if file == "" {
		return s, nil
	}
	data, err := regular.Read(file, maxJSON)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return s, fmt.Errorf("reading what was seen of the tree before, in %s: %w", file, err)
	}
	return s, nil
}

func writeSeen(file string, s seen) error {
	if file == "" {
		return nil
	}
	data, err := json.Marshal(s)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o700)
	}
	if err == nil {
		err = regular.Replace(file, data, regular.PrivateMode)
	}
	if err != nil {
		return fmt.Errorf("remembering what was seen of the tree: %w", err)
	}
	return nil
}

// seen is what there is to remember of this check.
func (c *check) seen() seen {
	s := seen{Timestamp: c.index.Timestamp, Integrations: map[string]seenIntegration{}}
	for name, versions := range c.all {
		s.Integrations[name] = versions.seen()
	}
	return s
}

func (v *Versions) seen() seenIntegration {
	one := seenIntegration{Versions: map[string]string{}, Withdrawn: map[string]bool{}}
	if offered, _ := v.offered(); offered != nil {
		one.Offered = offered.Version
	}
	for _, version := range v.Versions {
		one.Versions[version.Version] = version.digest()
		if version.Withdrawn != "" {
			one.Withdrawn[version.Version] = true
		}
	}
	return one
}

// digest is a sum over the files of a version.
func (v Version) digest() string {
	h := sha256.New()
	for _, f := range v.Files {
		fmt.Fprintf(h, "%q %s\n", f.Name, f.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}

const seenHint = "find out who has put it there: an old tree keeps users from what mends it"

// checkSeen compares with what was seen before.
func (c *check) checkSeen() {
	c.checkIndexSeen()
	now := c.seen()
	for name, before := range c.before.Integrations {
		c.checkOneSeen(name, before, now.Integrations[name])
	}
}

// checkIndexSeen refuses an index that is older than one that was seen.
func (c *check) checkIndexSeen() {
	if c.index.Timestamp.Before(c.before.Timestamp) {
		c.fail("registry-older", IndexName, fmt.Sprintf("it is of %s, and one of %s was seen before",
			c.index.Timestamp.Format(time.RFC3339), c.before.Timestamp.Format(time.RFC3339)), seenHint)
	}
}

// checkOneSeen compares an integration with what was seen of it before.
func (c *check) checkOneSeen(name string, before, one seenIntegration) {
	file := integrationDir(name) + "/" + versionsName
	for version, digest := range before.Versions {
		switch got, there := one.Versions[version]; {
		case !there:
			c.fail("registry-older", file, finding.Sprintf("%s %s, seen before, is gone", name, version), seenHint)
		case got != digest:
			c.fail("registry-changed", file, finding.Sprintf("%s %s has other files than it was seen with before", name, version),
				"put back what was published; what is new belongs into a new version")
		}
		if _, there := one.Versions[version]; there && before.Withdrawn[version] && !one.Withdrawn[version] {
			c.fail("registry-older", file, finding.Sprintf("%s %s was withdrawn, and is offered again", name, version), seenHint)
		}
	}
	if before.Offered != "" && semver.Compare(one.Offered, before.Offered) < 0 && !one.Withdrawn[before.Offered] {
		c.fail("registry-older", file, finding.Sprintf("it offers %s of %s, and %s was offered before",
			one.Offered, name, before.Offered), seenHint)
	}
}
