package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// plot is a picture of curves, or of bars, in SVG, for light and dark pages.
type plot struct {
	title, x, y string // y with its unit
	curves      []curve
}

// curve is one line of a plot whose axes are both logarithmic.
type curve struct {
	name   string
	points []point
}

type point struct{ x, y float64 }

// The picture's size and the room for its text, in pixels.
const (
	plotWidth, plotHeight    = 760, 420
	plotLeft, plotRight      = 70, 190
	plotTop, plotBottom      = 56, 56
	barHeight, barGap, barAt = 16, 22, 330
)

// colours are told apart by those who do not see all of them (Okabe and Ito), and on dark and on light.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"}

const plotStyle = `<style>
text { font: 13px system-ui, sans-serif; fill: #1b1f24 } .quiet { fill: #5a6472 } .line { stroke: #c9ced6 } .back { fill: #fff }
@media (prefers-color-scheme: dark) {
text { fill: #e6e9ee } .quiet { fill: #9aa4b2 } .line { stroke: #303844 } .back { fill: #12151a }
}
</style>
`

// svg draws the curves. Powers of ten are the grid.
func (p plot) svg() string {
	left, right := logRange(p.curves, func(at point) float64 { return at.x })
	bottom, top := logRange(p.curves, func(at point) float64 { return at.y })
	across := func(x float64) float64 {
		return plotLeft + (math.Log10(x)-left)/(right-left)*(plotWidth-plotLeft-plotRight)
	}
	down := func(y float64) float64 {
		return plotHeight - plotBottom - (math.Log10(y)-bottom)/(top-bottom)*(plotHeight-plotTop-plotBottom)
	}
	var b strings.Builder
	begin(&b, p.title, plotWidth, plotHeight)
	for power := left; power <= right; power++ {
		x := across(math.Pow(10, power))
		fmt.Fprintf(&b, `<line class="line" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, x, plotTop, x, plotHeight-plotBottom)
		text(&b, x, plotHeight-plotBottom+20, "middle", "quiet", number(math.Pow(10, power)))
	}
	for power := bottom; power <= top; power++ {
		y := down(math.Pow(10, power))
		fmt.Fprintf(&b, `<line class="line" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`, plotLeft, y, plotWidth-plotRight, y)
		text(&b, plotLeft-8, y+4, "end", "quiet", number(math.Pow(10, power)))
	}
	text(&b, (plotLeft+plotWidth-plotRight)/2, plotHeight-14, "middle", "", p.x)
	text(&b, plotLeft-8, plotTop-12, "end", "", p.y)
	below := math.Inf(-1) // where the last label is, so that none is on another
	for i, name := range labels(p.curves) {
		c := p.curves[name]
		var line []string
		for _, at := range c.points {
			line = append(line, fmt.Sprintf("%.1f,%.1f", across(at.x), down(at.y)))
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`, across(at.x), down(at.y), colours[i%len(colours)])
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`, strings.Join(line, " "), colours[i%len(colours)])
		last := c.points[len(c.points)-1]
		below = math.Max(below+16, down(last.y)+4)
		text(&b, across(last.x)+10, below, "start", "", c.name)
	}
	return b.String() + "</svg>\n"
}

// labels are the curves by where they end, the highest first.
func labels(curves []curve) []int {
	order := make([]int, len(curves))
	for i := range order {
		order[i] = i
	}
	end := func(i int) float64 { return curves[i].points[len(curves[i].points)-1].y }
	for i := range order {
		for j := i; j > 0 && end(order[j]) > end(order[j-1]); j-- {
			order[j], order[j-1] = order[j-1], order[j]
		}
	}
	return order
}

// logRange is the powers of ten between which all values are.
func logRange(curves []curve, value func(point) float64) (from, to float64) {
	from, to = math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, at := range c.points {
			from, to = min(from, math.Floor(math.Log10(value(at)))), max(to, math.Ceil(math.Log10(value(at))))
		}
	}
	return from, max(to, from+1)
}

// bars draws a bar for each name, in groups.
func bars(title, unit string, groups []outcome, value func(row) float64) string {
	most, height := 0.0, plotTop
	for _, group := range groups {
		height += barGap + barGap*len(group.Rows)
		for _, r := range group.Rows {
			most = max(most, value(r))
		}
	}
	var b strings.Builder
	begin(&b, title, plotWidth, height+16)
	y := float64(plotTop)
	for _, group := range groups {
		text(&b, 10, y+barHeight, "start", "", group.Name)
		y += barGap
		for i, r := range group.Rows {
			width := value(r) / most * (plotWidth - barAt - 90)
			text(&b, barAt-10, y+barHeight-3, "end", "quiet", r.Name)
			fmt.Fprintf(&b, `<rect x="%d" y="%.1f" width="%.1f" height="%d" rx="2" fill="%s"/>`, barAt, y, width, barHeight, colours[i%len(colours)])
			text(&b, barAt+width+8, y+barHeight-3, "start", "", fmt.Sprintf("%.1f %s", value(r), unit))
			y += barGap
		}
	}
	return b.String() + "</svg>\n"
}

func begin(b *strings.Builder, title string, width, height int) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n",
		width, height, html.EscapeString(title))
	b.WriteString(plotStyle)
	fmt.Fprintf(b, `<rect class="back" width="%d" height="%d"/>`, width, height)
	text(b, 10, 22, "start", "", title)
}

func text(b *strings.Builder, x, y float64, anchor, class, content string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">%s</text>`+"\n", x, y, anchor, class, html.EscapeString(content))
}

// number is a power of ten as people write it.
func number(value float64) string {
	if value < 1 {
		return strings.TrimRight(fmt.Sprintf("%.4f", value), "0")
	}
	digits := fmt.Sprintf("%.0f", value)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
