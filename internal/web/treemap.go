package web

import (
	"math"
)

// rect is a part of a picture, in its own units.
type rect struct{ X, Y, W, H float64 }

// squarify lays areas out in a rectangle, the largest first, so that each is as near to a square as may be. The sizes are sorted,
// the largest first, and above 0.
func squarify(sizes []float64, in rect) []rect {
	var sum float64
	for _, s := range sizes {
		sum += s
	}
	if sum <= 0 || in.W <= 0 || in.H <= 0 {
		return make([]rect, len(sizes))
	}
	scale := in.W * in.H / sum
	placed := make([]rect, 0, len(sizes))
	for next := 0; next < len(sizes); {
		side := min(in.W, in.H)
		row, area := 0, 0.0
		// A row grows as long as its worst part gets no worse.
		for worst := math.Inf(1); next+row < len(sizes); row++ {
			grown := area + sizes[next+row]*scale
			now := worse(sizes[next]*scale, sizes[next+row]*scale, grown, side)
			if now > worst {
				break
			}
			worst, area = now, grown
		}
		in, placed = place(sizes[next:next+row], scale, area, in, placed)
		next += row
	}
	return placed
}

// worse is the ratio of the sides of the worst of a row's parts.
func worse(largest, smallest, area, side float64) float64 {
	return max(side*side*largest/(area*area), area*area/(side*side*smallest))
}

// place puts a row along the shorter side and returns what is left.
func place(row []float64, scale, area float64, in rect, placed []rect) (rect, []rect) {
	thick := area / min(in.W, in.H)
	at := 0.0
	for _, size := range row {
		long := size * scale / thick
		if in.W >= in.H {
			placed = append(placed, rect{in.X, in.Y + at, thick, long})
		} else {
			placed = append(placed, rect{in.X + at, in.Y, long, thick})
		}
		at += long
	}
	if in.W >= in.H {
		return rect{in.X + thick, in.Y, max(in.W-thick, 0), in.H}, placed
	}
	return rect{in.X, in.Y + thick, in.W, max(in.H-thick, 0)}, placed
}
