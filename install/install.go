package install

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/semver"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/internal/interruptible"
	"github.com/PlakarKorp/kpkg/manifest"
	"github.com/PlakarKorp/kpkg/ptarread"
	"github.com/PlakarKorp/kpkg/release"
	"github.com/PlakarKorp/kpkg/verify"
)

// Options say what may be installed.
type Options struct {
	// Trust is what the sum and the signature beside a package are held to. Without keys, a sum counts where there is one.
	Trust release.Trust
	// Platform is the machine's; its zero value is this machine's.
	Platform executable.Platform
	// Force replaces the same version with other bytes, and extracts it again where it has the same.
	Force bool
	// Downgrade replaces a newer version.
	Downgrade bool
}

// Action is what installing has done.
type Action string

const (
	Added      Action = "installed"
	Upgraded   Action = "upgraded"
	Replaced   Action = "replaced"
	Downgraded Action = "downgraded"
	Unchanged  Action = "unchanged"
	Refused    Action = "refused"
)

// Result is what came of one package.
type Result struct {
	Source  string `json:"source"`
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	Action  Action `json:"action"`
	// File is where the package is now.
	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// Removed are the versions that it took the place of.
	Removed   []string          `json:"removed"`
	Signature *verify.Signature `json:"signature,omitempty"`
	// Findings are what was found on the package; with an error among them nothing was installed.
	Findings []finding.Finding `json:"findings"`
}

// Install installs a package: all is judged before anything that is installed is touched, the new version is there before an
// old one goes, and after an error, or where the result has errors, everything is as it was.
func (s *Store) Install(ctx context.Context, source Source, opts Options) (_ *Result, err error) {
	r := &Result{Source: source.Label, Action: Refused, Removed: []string{}, Findings: []finding.Finding{}}
	id, err := manifest.ParseFileName(source.Name)
	if err != nil {
		r.refuse("package-name", err.Error(), "give it back the name that it was released under")
		return r, nil
	}
	r.Name, r.Version = id.Name, id.Version
	others, err := s.folders.packages(id.Name)
	if err != nil {
		return nil, err
	}
	// Before anything is copied, or fetched.
	if r.judgeIdentity(id, others, opts); finding.HasErrors(r.Findings) {
		return r, nil
	}
	copied, err := s.copyIn(ctx, source)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, copied.discard()) }()
	r.SHA256 = copied.sha256
	if source.SHA256 != "" && source.SHA256 != copied.sha256 {
		r.refuse("registry-stale", fmt.Sprintf("it has the SHA-256 %s, and its registry says %s", copied.sha256, source.SHA256),
			"tell those who run the registry; nothing was taken from it")
		return r, nil
	}
	same, err := s.has(ctx, id.FileName(), r.SHA256)
	if err != nil {
		return nil, err
	}
	if slices.Contains(others, id) && !same && !opts.Force {
		r.refuse("install-different", finding.Sprintf("%s %s is installed with other bytes", id.Name, id.Version),
			"find out which of the two was released, and give --force to install this one")
		return r, nil
	}
	beside, err := readBeside(source)
	if err != nil {
		return nil, err
	}
	if err := r.judgeBeside(beside, source, opts); err != nil || finding.HasErrors(r.Findings) {
		return r, err
	}
	if same && len(others) == 1 && !opts.Force {
		r.Action, r.File = Unchanged, s.folders.pkgFile(id.FileName())
		return r, s.keepBeside(id.FileName(), r.SHA256, beside)
	}
	if err := s.judge(ctx, r, copied, source); err != nil || finding.HasErrors(r.Findings) {
		return r, err
	}
	if err := s.land(ctx, r, id, others, copied, source, beside); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Result) refuse(rule, message, hint string) {
	r.Findings = append(r.Findings, finding.Finding{
		Rule: rule, Severity: finding.Error, File: r.Source, Message: finding.CutMessage(message), Hint: hint,
	})
}

// judgeIdentity holds what a package's name says to the machine and to what is installed.
func (r *Result) judgeIdentity(id manifest.Identity, others []manifest.Identity, opts Options) {
	machine := opts.Platform
	if machine == (executable.Platform{}) {
		machine = executable.Host()
	}
	if its := (executable.Platform{OS: id.OS, Arch: id.Arch}); its != machine {
		r.refuse("install-platform", fmt.Sprintf("it is for %s, the machine is %s", its, machine), "install the package for "+machine.String())
	}
	if len(others) == 0 {
		return
	}
	if its := newest(others); semver.Compare(id.Version, its.Version) < 0 && !opts.Downgrade {
		r.refuse("install-older", fmt.Sprintf("%s %s is installed, which is newer than %s", id.Name, its.Version, id.Version),
			"give --allow-downgrade if the older one is wanted")
	}
}

// judge verifies the copy, and looks for another package with its protocols.
func (s *Store) judge(ctx context.Context, r *Result, copied *copied, source Source) error {
	name := source.Label
	if filepath.Base(name) != source.Name { // what was built of a tree, whose findings are on the tree
		name = source.Name
	}
	report, err := verify.Reader(ctx, copied.file, copied.size, verify.Options{Name: name})
	if err != nil {
		return fmt.Errorf("verifying %s: %w", source.Label, err)
	}
	for _, f := range report.Findings {
		if f.Severity == finding.Error { // the others are for whoever makes packages: verify tells them
			r.Findings = append(r.Findings, f)
		}
	}
	if finding.HasErrors(r.Findings) {
		return nil
	}
	served, err := s.served(ctx, r.Name)
	if err != nil {
		return err
	}
	for _, connector := range report.Connectors {
		for _, protocol := range connector.Protocols {
			if other := served[endpoint{connector.Type, protocol}]; other != "" {
				r.refuse("install-conflict", finding.Sprintf("the %s of %s:// is that of %s, which is installed", connector.Type, protocol, other),
					"uninstall it first: kpkg uninstall "+other)
			}
		}
	}
	return nil
}

// endpoint is what plakar finds a connector by.
type endpoint struct{ connectorType, protocol string }

// served says which of the other installed integrations serves what. Of a package only the manifest is read, and one that cannot
// be opened serves nothing.
func (s *Store) served(ctx context.Context, but string) (map[endpoint]string, error) {
	ids, err := s.folders.packages("")
	if err != nil {
		return nil, err
	}
	served := map[endpoint]string{}
	for _, id := range ids {
		if id.Name == but {
			continue
		}
		m, err := packedManifest(ctx, s.folders.pkgFile(id.FileName()))
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			continue
		}
		for _, c := range m.Connectors {
			for _, protocol := range c.Protocols {
				served[endpoint{c.Type, protocol}] = id.Name
			}
		}
	}
	return served, nil
}

// packedManifest reads the manifest in a package.
func packedManifest(ctx context.Context, path string) (m manifest.Manifest, err error) {
	pkg, err := ptarread.Open(ctx, path)
	if err != nil {
		return m, err
	}
	defer pkg.Close()
	content, err := pkg.OpenEntry(manifest.FileName)
	if err != nil {
		return m, err
	}
	data, err := io.ReadAll(io.LimitReader(content, manifest.MaxSize+1))
	if err != nil {
		return m, err
	}
	return manifest.Read(manifest.FileName, data).Manifest, nil
}

// copied is a package on its way, in a file that nobody else knows.
type copied struct {
	file   *os.File
	size   int64
	sha256 string
}

// discard removes it, if it has not got its place by now.
func (c *copied) discard() error {
	if err := c.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return gone(os.Remove(c.file.Name()))
}

// copyIn copies the package beside its place, counting and summing it while it comes.
func (s *Store) copyIn(ctx context.Context, source Source) (_ *copied, err error) {
	from, err := source.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	file, err := os.CreateTemp(s.folders.Packages, workPrefix+"*")
	if err != nil {
		return nil, fmt.Errorf("copying %s: %w", source.Label, err)
	}
	c := &copied{file: file}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.discard())
		}
	}()
	sum := sha256.New()
	limited := io.LimitReader(interruptible.Reader(ctx, from), ptarread.MaxUnpacked+1)
	if c.size, err = io.Copy(io.MultiWriter(file, sum), limited); err != nil {
		return nil, fmt.Errorf("copying %s: %w", source.Label, err)
	}
	if c.size > ptarread.MaxUnpacked {
		return nil, fmt.Errorf("%s is too large for a package", source.Label)
	}
	// As packages are that a client has installed.
	if err := errors.Join(file.Chmod(0o644), file.Sync()); err != nil {
		return nil, fmt.Errorf("copying %s: %w", source.Label, err)
	}
	c.sha256 = hex.EncodeToString(sum.Sum(nil))
	return c, nil
}

// land gives the package its place, and takes away what it replaces.
func (s *Store) land(
	ctx context.Context, r *Result, id manifest.Identity, others []manifest.Identity, copied *copied, source Source, beside besides,
) error {
	name := id.FileName()
	c := change{
		Add: name, SHA256: copied.sha256, Sum: string(beside[release.SumExtension]), Signature: string(beside[release.SignatureExtension]),
	}
	for _, other := range others {
		if other != id {
			c.Remove, r.Removed = append(c.Remove, other.FileName()), append(r.Removed, other.Version)
		}
	}
	extracted, err := s.extract(ctx, copied)
	if err != nil {
		return fmt.Errorf("extracting %s: %w", source.Label, err)
	}
	if err := context.Cause(ctx); err != nil {
		return errors.Join(err, os.RemoveAll(extracted))
	}
	if err := s.begin(c); err != nil {
		return errors.Join(err, os.RemoveAll(extracted))
	}
	if err := s.swap(extracted, name, copied); err != nil {
		// Nothing of it has happened: the same as after a kill at this point.
		return errors.Join(fmt.Errorf("installing %s: %w", source.Label, err), os.RemoveAll(extracted), s.finish(context.WithoutCancel(ctx)))
	}
	if err := s.complete(c); err != nil {
		return fmt.Errorf("%s is installed, but not all of what it replaces is gone: %w", source.Label, err)
	}
	r.File = s.folders.pkgFile(name)
	r.Action = action(id, others)
	return nil
}

// swap puts what was extracted and then the package under their names, each in the place of what may be there as a whole. A client
// that starts between the two takes either the old or the new one.
func (s *Store) swap(extracted, name string, copied *copied) error {
	if err := s.removeExtracted(name); err != nil {
		return err
	}
	if err := os.Rename(extracted, s.folders.extracted(name)); err != nil {
		return err
	}
	if err := copied.file.Close(); err != nil { // Windows renames no open file
		return err
	}
	return os.Rename(copied.file.Name(), s.folders.pkgFile(name))
}

func action(id manifest.Identity, others []manifest.Identity) Action {
	if len(others) == 0 {
		return Added
	}
	switch semver.Compare(id.Version, newest(others).Version) {
	case 0:
		return Replaced
	case 1:
		return Upgraded
	}
	return Downgraded
}

// extract extracts a verified package into a folder beside its place, all of which is on disk then: what a client finds extracted it
// takes as it is.
func (s *Store) extract(ctx context.Context, copied *copied) (dir string, err error) {
	pkg, err := ptarread.New(ctx, copied.file, copied.size)
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp(s.folders.Extracted, workPrefix+"*"); err != nil {
		return "", err
	}
	err = cmp.Or(pkg.Extract(ctx, dir), os.Chmod(dir, 0o755))
	if err == nil {
		err = s.flush(dir)
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return filepath.Clean(dir), nil
}
