package create

import "fmt"

// Shard is one of Count parts of all packages, counted from 1. The zero Shard is all of them. Every package is in exactly one
// part, and the parts are as equal as they can be.
type Shard struct {
	Index, Count int
}

// ParseShard reads "i/n".
func ParseShard(s string) (Shard, error) {
	var shard Shard
	if _, err := fmt.Sscanf(s+" ", "%d/%d ", &shard.Index, &shard.Count); err != nil || fmt.Sprintf("%d/%d", shard.Index, shard.Count) != s {
		return Shard{}, fmt.Errorf("%w: shard %q is not of the form 1/4, the first of four", ErrOptions, s)
	}
	if shard.Count < 1 {
		return Shard{}, fmt.Errorf("%w: shard %q: there are no parts", ErrOptions, s)
	}
	return shard, shard.check()
}

func (s Shard) check() error {
	if s == (Shard{}) {
		return nil
	}
	if s.Index < 1 || s.Index > s.Count {
		return fmt.Errorf("%w: shard %d/%d: the parts are 1 to %d", ErrOptions, s.Index, s.Count, s.Count)
	}
	return nil
}

// pick leaves the packages of the shard.
func (r *run) pick() {
	shard := r.opts.Shard
	if shard == (Shard{}) {
		return
	}
	n := 0
	for _, integration := range r.integrations {
		var mine []*Package
		for _, p := range integration.Packages {
			if n%shard.Count == shard.Index-1 {
				mine = append(mine, p)
			}
			n++
		}
		integration.Packages = mine
	}
}
