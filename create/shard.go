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
	_, err := fmt.Sscanf(s+" ", "%d/%d ", &shard.Index, &shard.Count)
	if err != nil || fmt.Sprintf("%d/%d", shard.Index, shard.Count) != s {
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

// keep leaves the integrations the packages of the shard.
func (s Shard) keep(integrations []*Integration) {
	if s == (Shard{}) {
		return
	}
	n := 0
	for _, i := range integrations {
		var kept []*Package
		for _, p := range i.Packages {
			if n%s.Count == s.Index-1 {
				kept = append(kept, p)
			}
			n++
		}
		i.Packages = kept
	}
}
