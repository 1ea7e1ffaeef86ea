package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// manyIntegrations is a night's work of one builder, which has compiled what integrations have in common: packages of many integrations
// for all platforms. It shows whether the processors have work to the end.
func (b *bencher) manyIntegrations(ctx context.Context) error {
	return b.scaled(ctx, func(s *scale, ctx context.Context) error {
		const count = 100
		// Nobody has compiled these modules, not in a run before either.
		began := time.Now().UnixNano()
		source := func() (string, error) {
			s.made++
			name := fmt.Sprintf("many%d-%d", s.made, began)
			return filepath.Join(s.dir, name), copyExample(filepath.Join(s.dir, name), name)
		}
		create := func(sources ...string) func(context.Context) (sample, error) {
			args := []string{"create", "--quiet", "--platform", "all", "--out-dir", filepath.Join(s.dir, "out")}
			return s.kpkg(append(append(args, sources...), "v1.0.0")...)
		}
		var sources []string
		return s.hold(ctx, contest{
			name:   fmt.Sprintf("%d integrations for six platforms", count),
			rounds: 1, // of many minutes
			setUp: func(ctx context.Context) error {
				first, err := source()
				if err != nil {
					return err
				}
				for range count {
					next, err := source()
					if err != nil {
						return err
					}
					sources = append(sources, next)
				}
				_, err = create(first)(ctx)
				return err
			},
			contenders: []contender{{name: "kpkg create", run: func(ctx context.Context) (sample, error) { return create(sources...)(ctx) }}},
		})
	})
}

// idleText is for how much of the first contest of a group the processors had no work.
func (r *results) idleText(group string) string {
	o := r.of(group)[0]
	wall, cpu := o.Rows[0].Wall.Median, o.Rows[0].CPU.Median
	return fmt.Sprintf("%s took %s, in which the machine's %d processors had no work for %.0f %% of their time.\n",
		o.Name, timeText(wall), r.Machine.Processors, 100*(1-cpu/(wall*float64(r.Machine.Processors))))
}
