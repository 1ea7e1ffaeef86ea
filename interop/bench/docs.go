package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// page is one of docs that has tables of outcomes, NAME.md. Those that it has them of are beside it, NAME.json, by which a test holds the
// page to what was measured.
type page struct {
	name   string
	groups []string // nil is those that no other page has
}

var docsPages = []page{
	{name: "benchmarks"},
	{name: "scale", groups: []string{"scale", "fleet"}},
	{name: "growth", groups: []string{"growth of packages", "growth of files"}},
	{name: "building", groups: []string{"many integrations"}},
	{name: "servers", groups: []string{
		"from sftp", "to sftp", "into a store on sftp", "from a store on sftp", "from s3", "to s3", "into a store on s3", "from a store on s3",
	}},
}

func (p page) has(group string) bool {
	if p.groups != nil {
		return slices.Contains(p.groups, group)
	}
	return !slices.ContainsFunc(docsPages, func(other page) bool { return slices.Contains(other.groups, group) })
}

// writeDocs puts the outcomes in the file into the pages of docs, a table between the two comments of each group, with the plots beside
// them. A page that nothing was measured for stays as it is.
func writeDocs(file, docs string) error {
	all, err := readResults(file)
	if err != nil {
		return err
	}
	files := map[string]string{}
	for _, p := range docsPages {
		measured := all
		measured.Outcomes = slices.DeleteFunc(slices.Clone(all.Outcomes), func(o outcome) bool { return !p.has(o.Group) })
		if len(measured.Outcomes) == 0 {
			continue
		}
		before, err := os.ReadFile(filepath.Join(docs, p.name+".md"))
		if err != nil {
			return err
		}
		if files[p.name+".md"], err = measured.fill(string(before)); err != nil {
			return fmt.Errorf("docs/%s.md: %w", p.name, err)
		}
		data, err := json.MarshalIndent(measured, "", "  ")
		if err != nil {
			return err
		}
		files[p.name+".json"] = string(data) + "\n"
		maps.Copy(files, measured.plots())
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(docs, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func readResults(file string) (r results, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return r, fmt.Errorf("nothing was measured yet: %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

// A group's table, or what is said of the machine, stands between two such lines of the page.
const (
	tableBegin, tableOf = "<!-- measured: ", " -->\n"
	tableEnd            = "<!-- end of what was measured -->\n"
)

// fill replaces all tables of a page. A table that is in hand needs its place on the page, and a place its table.
func (r *results) fill(page string) (string, error) {
	tables := map[string]string{}
	if len(r.Outcomes) > 0 {
		tables["machine"] = r.describe()
	}
	for _, group := range groups {
		if found := r.of(group.name); len(found) > 0 {
			tables[group.name] = markdown(found)
		}
	}
	if len(r.of("scale")) > 0 {
		computed, err := r.scaleTables()
		if err != nil {
			return "", err
		}
		maps.Copy(tables, computed)
	}
	if len(r.of("many integrations")) > 0 {
		tables["idle"] = r.idleText("many integrations")
	}
	var filled strings.Builder
	for rest := page; ; {
		before, after, found := strings.Cut(rest, tableBegin)
		filled.WriteString(before)
		if !found {
			break
		}
		name, after, _ := strings.Cut(after, tableOf)
		_, after, found = strings.Cut(after, tableEnd)
		if !found {
			return "", fmt.Errorf("the table %q has no line %q", name, strings.TrimSpace(tableEnd))
		}
		table, measured := tables[name]
		if !measured {
			return "", fmt.Errorf("%q was not measured", name)
		}
		delete(tables, name)
		filled.WriteString(tableBegin + name + tableOf + "\n" + table + "\n" + tableEnd)
		rest = after
	}
	for name := range tables {
		if name != "machine" {
			return "", fmt.Errorf("there is no line %q", tableBegin+name+strings.TrimSpace(tableOf))
		}
	}
	return filled.String(), nil
}

func (r *results) describe() string {
	return fmt.Sprintf("%s, %s, %d processors, %s of memory; kpkg at %s, plakar %s, %s.\n", r.Machine.System, r.Machine.Processor,
		r.Machine.Processors, bytesText(r.Machine.Memory), r.Versions.Kpkg, r.Versions.Plakar, r.Versions.Go)
}

func (r *results) of(group string) (found []outcome) {
	for _, o := range r.Outcomes {
		if o.Group == group {
			found = append(found, o)
		}
	}
	return found
}

// plots are the pictures beside the page, by their names.
func (r *results) plots() map[string]string {
	mebibytes := func(r row) float64 { return float64(r.Size) / (1 << 20) }
	files := map[string]string{}
	if sizes := r.of("files"); len(sizes) > 0 {
		files["benchmarks-sizes.svg"] = bars("The same executables, packed", "MiB", sizes, mebibytes)
	}
	byName := map[string]*curve{}
	var curves []*curve
	for _, o := range r.of("growth of files") {
		var count int
		if _, err := fmt.Sscanf(filesOf(o.Name), "%d files", &count); err != nil {
			continue
		}
		for _, row := range o.Rows {
			c := byName[row.Name]
			if c == nil {
				c = &curve{name: row.Name}
				byName[row.Name] = c
				curves = append(curves, c)
			}
			c.points = append(c.points, point{float64(count), row.Wall.Median})
		}
	}
	if len(curves) > 0 {
		p := plot{title: "An archive of files of 4 KB, packed and checked", x: "files", y: "seconds"}
		for _, c := range curves {
			p.curves = append(p.curves, *c)
		}
		files["growth-files.svg"] = p.svg()
	}
	return files
}

// filesOf is the part of a contest's name that says how many files it is about, without the commas.
func filesOf(name string) string {
	_, load, _ := strings.Cut(name, " of ")
	return strings.ReplaceAll(load, ",", "")
}
