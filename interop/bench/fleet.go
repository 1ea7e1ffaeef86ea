package main

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
)

// fleet is many builders that make the packages of many integrations, on paper.
type fleet struct {
	costs
	integrations, platforms, builders int
	// processors are those of each builder, and of the machine of the cache. All are used.
	processors float64
	// shared is one cache for all, on a machine that sends and takes so many bytes a second. Without, each builder has its own.
	shared    bool
	bandwidth float64
	// seeded has one builder make an integration for all platforms before the others begin.
	seeded bool
	// warm has all compiled before, in the shared cache or on each builder; else nothing was.
	warm bool
	// even has all integrations cost the same; else some have up to four times as much to themselves as others.
	even bool
	// published adds what follows the packages: their builders publish them, and one machine verifies all of them.
	published bool
}

// run is how long a fleet takes, in seconds, with the processor time of all builders and the bytes that went to the cache and came from it.
type run struct {
	wall, cpu, sent, got float64
}

// builder is one in the middle of its work.
type builder struct {
	now   float64
	todo  []work
	known map[int]bool // platforms of which it has what integrations have in common
}

// work is one package.
type work struct {
	platform int
	weight   float64
}

// queue has the builder whose time is the earliest at its head.
type queue []*builder

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].now < q[j].now }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(b any)        { *q = append(*q, b.(*builder)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	b := (*q)[last]
	*q = (*q)[:last]
	return b
}

// run lets the builders work, each at its part, one package after the other: the one whose time is the earliest does the next. What a
// builder has compiled is there for others from the end of that package on. What one fetches keeps others waiting; what is sent to the
// cache keeps nobody waiting, but all of it together takes its time.
func (f fleet) run() run {
	builders := f.start()
	ownShare := f.own / (f.common + f.own) // of what a package is linked from
	total, there := f.before(builders)
	heap.Init(&builders)
	for free := 0.0; len(builders) > 0; { // from when on the cache has nothing to send
		b := builders[0]
		if len(b.todo) == 0 {
			total.wall = max(total.wall, b.now)
			heap.Pop(&builders)
			continue
		}
		next := b.todo[0]
		b.todo = b.todo[1:]
		compiled, fetched := 0.0, 0.0 // shares, of what a package of the weight 1 is linked from
		switch {
		case b.known[next.platform] || f.warm && !f.shared:
		case there[next.platform] <= b.now:
			fetched = 1 - ownShare
		default:
			compiled = 1 - ownShare
		}
		switch {
		case !f.warm:
			compiled += ownShare * next.weight
		case f.shared:
			fetched += ownShare * next.weight
		}
		if fetched > 0 {
			free = max(free, b.now) + f.busy(f.got*fetched, f.serve*fetched)
			b.now = free
		}
		seconds := (f.common+f.own)*compiled + f.link + f.pack + f.verify
		if f.shared {
			seconds += f.send*compiled + f.fetch*fetched
			total.sent, total.got = total.sent+f.sent*compiled, total.got+f.got*fetched
		}
		if f.published {
			seconds += f.publish
		}
		b.now, total.cpu = b.now+seconds/f.processors, total.cpu+seconds
		if f.shared {
			there[next.platform] = min(there[next.platform], b.now)
		}
		b.known[next.platform] = true
		heap.Fix(&builders, 0)
	}
	if total.sent > 0 {
		total.wall = max(total.wall, f.busy(total.sent, f.store*total.sent/f.sent))
	}
	if f.published {
		finish := f.verify * float64(f.integrations*f.platforms)
		total.wall, total.cpu = total.wall+finish/f.processors, total.cpu+finish
	}
	return total
}

// busy is for how long the cache's machine is, with so many bytes that take so much processor time.
func (f fleet) busy(bytes, seconds float64) float64 {
	return max(bytes/f.bandwidth, seconds/f.processors)
}

// start has each builder at the beginning of its part, as --shard plans it: the heaviest integration first, each to the builder that has
// least to do by then.
func (f fleet) start() queue {
	builders, load := make(queue, f.builders), make([]float64, f.builders)
	for i := range builders {
		builders[i] = &builder{known: map[int]bool{}}
	}
	for _, weight := range f.weights() {
		least := slices.Index(load, slices.Min(load))
		load[least] += weight
		for platform := range f.platforms {
			builders[least].todo = append(builders[least].todo, work{platform, weight})
		}
	}
	return builders
}

// weights are those of the integrations, the heaviest first: from 2 to 1/2, as many of each, unless all are even.
func (f fleet) weights() []float64 {
	weights := make([]float64, f.integrations)
	for i := range weights {
		if weights[i] = 1; !f.even {
			weights[i] = math.Exp2(1 - 2*float64(i%9)/8)
		}
	}
	slices.SortFunc(weights, func(a, b float64) int { return cmp.Compare(b, a) })
	return weights
}

// before is what comes before the packages: what seeds the cache, and the plan that each builder makes, on one processor. It returns
// what that takes, and for each platform since when the cache has what integrations have in common.
func (f fleet) before(builders queue) (total run, there []float64) {
	begin, since := 0.0, math.Inf(1)
	switch {
	case f.seeded:
		total.cpu = (f.common + f.own + f.send) * float64(f.platforms)
		total.sent = f.sent * float64(f.platforms)
		begin = total.cpu / f.processors
		since = begin
	case f.shared && f.warm:
		since = 0
	}
	planned := f.plan * float64(f.integrations)
	for _, b := range builders {
		b.now = begin + planned
		total.cpu += planned
	}
	for range f.platforms {
		there = append(there, since)
	}
	return total, there
}
