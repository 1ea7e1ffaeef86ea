package web

// The page of kpkg inspect --html is a whole one, that needs nothing from elsewhere and runs nothing.
//
// What they show comes from strangers. html/template escapes all of it, every string is cut, and the pages' own policy allows no
// script, no request, and one stylesheet, the one in them.

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/inspect"
)

var (
	//go:embed base.css
	baseStyle string
	//go:embed ptar.css
	ptarOwnStyle string
	//go:embed ptar.tmpl
	ptarPage string

	ptarStyle = baseStyle + ptarOwnStyle
)

var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("ptar").Funcs(template.FuncMap{
		"bytes": func(n any) string { return humanize.IBytes(unsigned(n)) },
		"count": func(n any) string { return humanize.Comma(int64(unsigned(n))) },
		"when":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
		"text":  func(s string) string { return finding.Printable(finding.Cut(s)) },
		"lines": finding.PrintableLines,
		"join":  func(all []string) string { return finding.Printable(finding.Cut(strings.Join(all, ", "))) },
		"short": func(id string) string { return id[:min(8, len(id))] },
		"share": share,
		"unit":  unit,
	}).Parse(ptarPage))
})

func unsigned(n any) uint64 {
	switch n := n.(type) {
	case int:
		return uint64(max(n, 0))
	case int64:
		return uint64(max(n, 0))
	case uint64:
		return n
	case uint32:
		return uint64(n)
	}
	return 0
}

// unit is the name of so many things: of one if there is one.
func unit(n int, many string) string {
	if n != 1 {
		return many
	}
	if one, ok := strings.CutSuffix(many, "ies"); ok {
		return one + "y"
	}
	return strings.TrimSuffix(many, "s")
}

func share(part, whole int64) string {
	if whole <= 0 {
		return ""
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

// shownRows is how many rows of a table are shown.
const shownRows = 500

// Ptar writes the page on a ptar.
func Ptar(w io.Writer, p *inspect.Ptar) error {
	data := struct {
		*inspect.Ptar
		Name   string
		Style  template.CSS
		Policy string
		Tree   []picture
		More   int
		Rows   []inspect.Node
		Drawn  string // the snapshot that the sizes are of, if there are several
	}{
		Ptar: p, Name: filepath.Base(p.File), Style: template.CSS(ptarStyle),
		Policy: policy("style-src " + digest(ptarStyle)),
		Tree:   []picture{draw(p.Tree, "wide", 1040, 460), draw(p.Tree, "narrow", 360, 520)},
		Rows:   p.Tree[:min(len(p.Tree), shownRows)], More: len(p.Tree) - min(len(p.Tree), shownRows),
	}
	if n := len(p.Snapshots); p.Package == nil && n > 1 {
		data.Drawn = p.Snapshots[n-1].ID
	}
	if err := page().Execute(w, data); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// picture is a treemap at one size.
type picture struct {
	Class  string
	Width  int
	Height int
	Boxes  []box
}

// box is a part of a treemap.
type box struct {
	rect
	Class string // its colour
	Title string
	Label string // as much of it as fits
	Size  string // below it, where there is room
	Top   bool
}

const (
	// heading is the room for the name of what has parts.
	heading = 18
	// letter is about how wide one is.
	letter = 6.6
	// colours is how many there are in the stylesheet.
	colours = 8
	// leastSide is the shorter side of the smallest box that is drawn.
	leastSide = 2
)

func draw(nodes []inspect.Node, class string, width, height int) picture {
	p := picture{Class: class, Width: width, Height: height}
	for i, at := range squarify(sizesOf(nodes), rect{0, 0, float64(width), float64(height)}) {
		n := nodes[i]
		colour := fmt.Sprintf("c%d", i%colours)
		if min(at.W, at.H) < leastSide {
			continue
		}
		nested := len(n.Parts) > 0 && at.W > 60 && at.H > 50
		p.Boxes = append(p.Boxes, newBox(at, colour, n.Name, n.Name, n.Bytes, nested))
		if !nested {
			continue
		}
		inner := rect{at.X + 3, at.Y + heading + 2, at.W - 6, at.H - heading - 5}
		for j, part := range squarify(sizesOf(n.Parts), inner) {
			if m := n.Parts[j]; min(part.W, part.H) >= leastSide {
				p.Boxes = append(p.Boxes, newBox(part, colour+" part", n.Name+" › "+m.Name, lastOf(m.Name), m.Bytes, false))
			}
		}
	}
	return p
}

// lastOf is the end of a module's path, which tells most of it, with the name that is before a version.
func lastOf(path string) string {
	elements := strings.Split(path, "/")
	last := len(elements) - 1
	if last > 0 && len(elements[last]) == 2 && elements[last][0] == 'v' {
		return elements[last-1] + "/" + elements[last]
	}
	return elements[last]
}

func sizesOf(nodes []inspect.Node) []float64 {
	var sizes []float64
	for _, n := range nodes {
		if n.Bytes <= 0 {
			break
		}
		sizes = append(sizes, float64(n.Bytes))
	}
	return sizes
}

func newBox(at rect, class, title, label string, bytes int64, top bool) box {
	size := humanize.IBytes(uint64(bytes))
	b := box{rect: at, Class: class, Title: finding.Printable(finding.Cut(title)) + ", " + size, Top: top}
	label = finding.Printable(finding.Cut(label))
	if at.H < 15 {
		return b
	}
	room := int((at.W - 8) / letter)
	if top && room > utf8.RuneCountInString(label)+len(size)+2 {
		label += "  " + size
	}
	b.Label = fit(label, room)
	if !top && at.H > 34 && room >= len(size) && b.Label != "" {
		b.Size = size
	}
	return b
}

// fit is the beginning of a label that has room for a number of letters.
func fit(label string, room int) string {
	runes := []rune(label)
	switch {
	case len(runes) <= room:
		return label
	case room < 4:
		return ""
	}
	return string(runes[:room-1]) + "…"
}

// TextX, TextY and SizeY are where text stands in a box.
func (b box) TextX() float64 { return b.X + 4 }
func (b box) TextY() float64 { return b.Y + 13 }
func (b box) SizeY() float64 { return b.Y + 27 }
