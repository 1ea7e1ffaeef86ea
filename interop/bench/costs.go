package main

import "fmt"

// costs are what a package of examples/ftp takes, in seconds of one processor and in bytes.
type costs struct {
	// common is to compile, for a platform, what integrations have in common, own what an integration has to itself.
	common, own float64
	// link, pack, verify and publish are those of a package, plan is that of an integration in each job.
	link, pack, verify, publish, plan float64
	// send is to put into a shared cache what an integration is linked from, fetch to have it from there; store and serve are the same
	// for the machine that the cache is on.
	send, fetch, store, serve float64
	// sent and got are the bytes of it on their way to the cache, as they are, and from it, compressed.
	sent, got float64
}

// The contests that the costs come from. The names of some say how many packages or integrations they were about.
const (
	freshBuilders = "a builder with nothing, one integration and platform"
	oneMore       = "an integration more on a builder that has compiled what they have in common"
	linkedAgain   = "the same again, linked, packed and verified"
	packedOnly    = "packed and verified"
	verifiedOnly  = "verified"
	publishing    = "8 packages published"
	planning      = "200 integrations planned"
)

// The contenders of freshBuilders, in this order.
const (
	firstBuilder = iota
	secondBuilder
	loneBuilder
)

// costs are differences: what a run took more than one that did a step less. What was not measured is an error.
func (r *results) costs() (c costs, err error) {
	get := func(name string, at int) row {
		for _, o := range r.of("scale") {
			if o.Name == name && at < len(o.Rows) {
				return o.Rows[at]
			}
		}
		err = fmt.Errorf("%q was not measured: make bench BENCH='-only scale:'", name)
		return row{}
	}
	cpu := func(name string, at int) float64 { return get(name, at).CPU.Median }
	less := func(more, one float64) float64 { return max(0, more-one) }
	first, second := get(freshBuilders, firstBuilder), get(freshBuilders, secondBuilder)
	alone, more, again := cpu(freshBuilders, loneBuilder), cpu(oneMore, 0), cpu(linkedAgain, 0)
	packed, verified := cpu(packedOnly, 0), cpu(verifiedOnly, 0)
	return costs{
		common: less(alone, more), own: less(more, again), link: less(again, packed), pack: less(packed, verified), verify: verified,
		publish: cpu(publishing, 0) / 8, plan: cpu(planning, 0) / 200,
		send: less(first.CPU.Median, alone), fetch: less(second.CPU.Median, again),
		store: first.ServerCPU, serve: second.ServerCPU, sent: float64(first.Sent), got: float64(second.Got),
	}, err
}

// large are the costs of integrations that have as much to themselves as all have in common.
func (c costs) large() costs {
	times := 2 * c.common / (c.common + c.own)
	c.own = c.common
	for _, whole := range []*float64{&c.send, &c.fetch, &c.store, &c.serve, &c.sent, &c.got} {
		*whole *= times
	}
	return c
}
