package main

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/PlakarKorp/kpkg/finding"
)

// table is rows of cells that line up.
type table struct {
	columns []column
	rows    [][]string
}

// column is one of a table. Of a table that is wider than the terminal, the columns of the highest rank are left out, one
// after the other, those of rank 0 never.
type column struct {
	title string
	rank  int
	right bool // for numbers
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write writes the table as wide as columns allow, 0 for any width. The last cell of a row that does not fit after all loses
// its beginning: the end of a path tells more.
func (t *table) write(w io.Writer, columns int) error {
	shown := t.fit(columns)
	widths := make([]int, len(t.columns))
	heading := make([]string, len(t.columns))
	for i, c := range t.columns {
		heading[i] = c.title
		widths[i] = t.width(i)
	}
	var out strings.Builder
	for _, row := range slices.Insert(slices.Clone(t.rows), 0, heading) {
		line := ""
		for n, i := range shown {
			pad := strings.Repeat(" ", widths[i]-finding.Width(row[i]))
			switch {
			case t.columns[i].right:
				line += pad + row[i]
			case n == len(shown)-1:
				line += cutBefore(row[i], columns, finding.Width(line))
			default:
				line += row[i] + pad
			}
			if n < len(shown)-1 {
				line += "  "
			}
		}
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// cutBefore is the end of a cell that begins at a column, as much of it as there is room for.
func cutBefore(cell string, columns, at int) string {
	room := max(columns-at, len(ellipsis)+1)
	if columns == 0 || finding.Width(cell) <= room {
		return cell
	}
	for finding.Width(cell) > room-len(ellipsis) {
		_, size := utf8.DecodeRuneInString(cell)
		cell = cell[size:]
	}
	return ellipsis + cell
}

// fit are the columns that are shown.
func (t *table) fit(columns int) []int {
	shown := make([]int, len(t.columns))
	for i := range shown {
		shown[i] = i
	}
	for columns > 0 && t.total(shown) > columns {
		least := slices.MaxFunc(shown, func(a, b int) int { return t.columns[a].rank - t.columns[b].rank })
		if t.columns[least].rank == 0 {
			break
		}
		shown = slices.DeleteFunc(shown, func(i int) bool { return i == least })
	}
	return shown
}

func (t *table) total(shown []int) int {
	total := 2 * (len(shown) - 1)
	for _, i := range shown {
		total += t.width(i)
	}
	return total
}

func (t *table) width(i int) int {
	width := finding.Width(t.columns[i].title)
	for _, row := range t.rows {
		width = max(width, finding.Width(row[i]))
	}
	return width
}
