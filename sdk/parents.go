package sdk

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/PlakarKorp/kloset/connectors"
)

// parents knows which folders a source has sent, and which it should have: a snapshot holds nothing without its folder.
type parents struct {
	root string
	sent map[string]bool
	// needed are the folders of what was sent, with the latest time of what is in them.
	needed map[string]time.Time
}

func newParents(root string) *parents {
	return &parents{root: path.Clean(root), sent: map[string]bool{}, needed: map[string]time.Time{}}
}

// add takes an entry into account, and all folders above it from the root on.
func (p *parents) add(r *connectors.Record) {
	name := r.Pathname
	if r.Err != nil || r.FileInfo.Lmode.IsDir() {
		p.sent[name] = true // the error of a folder stands in its place
	}
	if r.Err != nil || r.IsXattr || !path.IsAbs(name) || path.Clean(name) != name {
		return
	}
	for at := name; at != p.root && strings.HasPrefix(at, p.root); {
		at = path.Dir(at)
		last, known := p.needed[at]
		if known && !r.FileInfo.LmodTime.After(last) {
			return // nor is it news to the folders above
		}
		p.needed[at] = r.FileInfo.LmodTime
	}
}

// missing are the folders that were not sent, each above what is in it.
func (p *parents) missing() []*connectors.Record {
	var records []*connectors.Record
	for _, name := range slices.Sorted(maps.Keys(p.needed)) {
		if !p.sent[name] {
			info := FileInfo{Mode: fs.ModeDir | 0o755, ModTime: p.needed[name]}
			records = append(records, NewScanRecord(name, "", NewFileInfo(info), nil))
		}
	}
	return records
}
