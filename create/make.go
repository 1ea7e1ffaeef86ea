package create

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/internal/place"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/internal/sha256sum"
	"github.com/PlakarKorp/kpkg/ptarbuild"
	"github.com/PlakarKorp/kpkg/verify"
)

// ErrRejected is why a package that does not pass its own verification does not appear; its Findings say more.
var ErrRejected = errors.New("the package does not pass its verification")

// errSame ends the writing of a package whose bytes are in its place already.
var errSame = errors.New("the same package is there already")

// maker makes packages: for each it builds, packs, verifies and places.
type maker struct {
	opts     Options
	builder  *gobuild.Builder
	receipts receipts
	jobs     map[buildKey]*job

	mu    sync.Mutex // guards progress and found
	found []buildFinding
}

// job is one package to make.
type job struct {
	*Integration
	p *Package
	// begun is closed once its build has its turn, or has ended without one.
	begun chan struct{}
	begin func()
}

func newJob(i *Integration, p *Package) *job {
	begun := make(chan struct{})
	return &job{i, p, begun, sync.OnceFunc(func() { close(begun) })}
}

type buildKey struct {
	plan     *gobuild.Plan
	platform executable.Platform
}

// sharedCache says who else may write to where executables and receipts are kept.
func sharedCache(dir string) error {
	if err := gobuild.SharedCache(dir); err != nil {
		return err
	}
	folder := filepath.Join(dir, receiptFolder)
	if info, err := os.Stat(folder); err == nil {
		if err := regular.Private(info); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
	}
	return nil
}

// makePackages makes the packages that were planned, platforms side by side: while one is built, another is packed.
func makePackages(ctx context.Context, integrations []*Integration, opts Options) error {
	if opts.Cover {
		opts.CacheDir = ""
	}
	if opts.CacheDir != "" && len(integrations) > 0 {
		if err := sharedCache(opts.CacheDir); err != nil {
			first := integrations[0]
			told := first.add([]finding.Finding{{
				Rule: "cache-shared", Severity: finding.Warning, File: first.Source.Document.File,
				Message: fmt.Sprintf("nothing that earlier runs have kept is used, and nothing is kept: %v", err),
				Hint:    "remove that folder: kpkg makes it again for you alone; or name a place of your own in XDG_CACHE_HOME",
			}})
			if len(told) > 0 && opts.Built != nil {
				opts.Built(first, told)
			}
			opts.CacheDir = ""
		}
	}
	m := &maker{opts: opts, receipts: openReceipts(opts.CacheDir), jobs: map[buildKey]*job{}}
	if err := m.findPlaces(integrations); err != nil || len(m.jobs) == 0 {
		return err
	}
	limit := opts.Jobs
	if limit == 0 {
		limit = runtime.NumCPU()
	}
	var err error
	m.builder, err = gobuild.NewBuilder(gobuild.Options{
		Jobs: min(limit, len(m.jobs)), CacheDir: opts.CacheDir, Debug: opts.Debug, Cover: opts.Cover,
		Started: func(plan *gobuild.Plan, platform executable.Platform) {
			j := m.jobs[buildKey{plan, platform}]
			if plan.Builds() {
				m.step(j.p, Building)
			}
			j.begin()
		},
	})
	if err != nil {
		return err
	}
	defer m.builder.Close()

	var packages sync.WaitGroup
	for _, i := range integrations {
		for _, p := range i.Packages {
			if j := m.jobs[buildKey{i.plan, p.Platform}]; j != nil {
				packages.Go(func() {
					defer j.begin()
					m.make(ctx, j)
				})
				<-j.begun // so that builds start in the order of the packages
			}
		}
	}
	packages.Wait()
	m.receipts.prune()
	m.report(integrations)
	return context.Cause(ctx)
}

// findPlaces makes a job of each package whose place can be taken; the others have failed.
func (m *maker) findPlaces(integrations []*Integration) error {
	checked := ""
	for _, i := range integrations {
		for _, p := range i.Packages {
			if dir := filepath.Dir(p.File); dir != checked {
				if err := place.Folder(p.File); err != nil {
					return err
				}
				checked = dir
			}
			// Whether a package that is there may stay is known once the new one is made.
			if p.Err = place.Free(p.File, m.opts.Force); errors.Is(p.Err, fs.ErrExist) {
				p.Err = nil
			}
			if p.Err == nil && m.opts.Force {
				p.Err = place.Replaceable(p.File)
			}
			if p.Err != nil {
				m.step(p, Failed)
				continue
			}
			m.jobs[buildKey{i.plan, p.Platform}] = newJob(i, p)
		}
	}
	return nil
}

// make makes one package and records how that ended.
func (m *maker) make(ctx context.Context, j *job) {
	start := time.Now()
	output, err := m.builder.Build(ctx, j.plan, j.p.Platform, j.origin.stamp(j.Version.Value))
	if err == nil {
		start = time.Now().Add(-output.Elapsed) // waiting for its turn is not its time
		j.p.Cached = output.Cached
		m.note(j, output)
		err = m.pack(ctx, j, output.Files)
	}
	j.p.Seconds = time.Since(start).Seconds()
	if j.p.Err = err; err != nil {
		m.step(j.p, Failed)
		return
	}
	m.step(j.p, Done)
}

// pack writes, verifies and places a package whose executables are built, unless it is in its place already.
func (m *maker) pack(ctx context.Context, j *job, built map[string]string) error {
	p := j.p
	files, listed, err := j.contents(p.Platform, built)
	if err != nil {
		return err
	}
	if m.opts.Notice {
		if files, listed, err = j.addNotice(ctx, p.Platform, files, listed, built); err != nil {
			return err
		}
	}
	p.Executables = len(j.plan.Executables)
	if p.Image != nil {
		if files, listed, err = j.makeImages(ctx, p, files, listed, built); err != nil {
			return err
		}
		p.Executables = 0
	}
	p.Files = listed
	content, err := ptarbuild.New(ctx, files, ptarbuild.Options{Time: j.origin.time, Compression: m.opts.Compression})
	if err != nil {
		return err
	}
	p.Unpacked = content.Unpacked
	name := j.identity(p.Platform).FileName()
	if p.Image == nil && m.unchanged(ctx, p, name, content.RepositoryID) {
		return nil
	}
	write := func(w io.Writer) error {
		m.step(p, Packing)
		p.Size, err = content.Write(ctx, w)
		return err
	}
	judge := func(file *os.File, sum string) error {
		m.step(p, Verifying)
		report, err := verify.Reader(ctx, file, p.Size, verify.Options{Name: name, Strict: m.opts.Strict, Containers: p.Image != nil})
		if err != nil {
			return err
		}
		p.SHA256, p.Findings = report.SHA256, report.Findings
		if report.SHA256 != sum {
			return fmt.Errorf("%s was changed while it was made: something else writes there", p.File)
		}
		if finding.HasErrors(report.Findings) {
			return ErrRejected
		}
		there, _, err := sha256sum.File(ctx, p.File)
		same := !m.opts.Force && err == nil && there == sum
		if !same {
			if err := place.Free(p.File, m.opts.Force); err != nil {
				return err
			}
		}
		if p.Image != nil { // not before the package's place is known to be free: the two belong together
			if err := m.placeImage(ctx, p); err != nil {
				return err
			}
		}
		if same {
			return errSame
		}
		return nil
	}
	err = place.Written(ctx, p.File, m.opts.Force, write, judge)
	if p.Unchanged = errors.Is(err, errSame); err != nil && !p.Unchanged {
		return err
	}
	if p.Image != nil { // a receipt is for a package alone
		return nil
	}
	m.receipts.put(content.RepositoryID, receipt{Name: name, Strict: m.opts.Strict, SHA256: p.SHA256, Findings: p.Findings})
	return nil
}

// unchanged reports whether the package at its place is the very one that would be written: then it is left alone.
func (m *maker) unchanged(ctx context.Context, p *Package, name string, id uuid.UUID) bool {
	known, ok := m.receipts.get(id)
	if !ok || known.Name != name || known.Strict != m.opts.Strict {
		return false
	}
	sum, size, err := sha256sum.File(ctx, p.File)
	if err != nil || sum != known.SHA256 {
		return false
	}
	p.Unchanged, p.Size, p.SHA256, p.Findings = true, size, sum, known.Findings
	return true
}

// step tells of a stage.
func (m *maker) step(p *Package, stage Stage) {
	if m.opts.Progress == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.opts.Progress(Step{stage, p})
}

// buildFinding is what a build has found; of several platforms it is told once.
type buildFinding struct {
	integration *Integration
	finding     finding.Finding
	platforms   []string
}

// note keeps what a build has found.
func (m *maker) note(j *job, output gobuild.Output) {
	doc := j.Source.Document
	var findings []finding.Finding
	for _, name := range output.Damaged {
		findings = append(findings, finding.Finding{
			Rule: "cache-damaged", Severity: finding.Warning, File: doc.File,
			Message: name + " as an earlier run kept it was no longer what had been kept, and was built again",
			Hint:    "find out what changed it in " + m.opts.CacheDir + ": what is kept there goes into packages",
		})
	}
	for _, stub := range output.Stubs {
		f := finding.Finding{
			Rule: "build-cgo", Severity: finding.Warning, File: doc.File,
			Message: fmt.Sprintf("%s is built without cgo: %s left out, %s in place",
				stub.Package, some(stub.LeftOut), some(stub.InPlace)),
			Hint: "try what it is used for: some such packages only fail then; another package, or build.env: {CGO_ENABLED: 1}, helps",
		}
		f.Line, f.Column = doc.Position("connectors")
		findings = append(findings, f)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range findings {
		at := slices.IndexFunc(m.found, func(known buildFinding) bool {
			return known.integration == j.Integration && known.finding == f
		})
		if at < 0 {
			at = len(m.found)
			m.found = append(m.found, buildFinding{integration: j.Integration, finding: f})
		}
		m.found[at].platforms = append(m.found[at].platforms, j.p.Platform.String())
	}
}

// report adds what the builds have found to the findings of the integrations.
func (m *maker) report(integrations []*Integration) {
	for _, i := range integrations {
		var findings []finding.Finding
		for _, found := range m.found {
			if found.integration == i {
				slices.Sort(found.platforms)
				found.finding.Message += fmt.Sprintf(" (%s)", strings.Join(found.platforms, ", "))
				findings = append(findings, found.finding)
			}
		}
		if len(findings) == 0 {
			continue
		}
		finding.Sort(findings)
		if findings = i.add(findings); len(findings) > 0 && m.opts.Built != nil {
			m.opts.Built(i, findings)
		}
	}
}
