package executable

import (
	"bytes"
	"cmp"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
)

// ModuleSize is how many bytes of an executable come from one Go module.
type ModuleSize struct {
	// Module is its path; "std" for the standard library, "" for what no module is known of: tables, headers, C.
	Module string
	// Code is the machine code of its functions, Data what its symbols hold beside that. Data is known of executables with
	// symbols only.
	Code, Data int64
}

// Sum is all of it.
func (m ModuleSize) Sum() int64 { return m.Code + m.Data }

// SizesByModule sums the functions of a Go executable of size bytes by the module they are from, the largest first. They are those
// of the table that the runtime itself finds functions by, which stripping leaves in place. Where there are symbols, those of data
// are summed too. What is left of size goes to the module "".
//
// It takes any input that Inspect takes; the error of an executable that Go did not make, or of a format that is not known,
// is ErrNoSizes.
func SizesByModule(r io.ReaderAt, size int64, info *debug.BuildInfo) (sizes []ModuleSize, err error) {
	defer func() {
		if p := recover(); p != nil {
			sizes, err = nil, fmt.Errorf("reading the executable's tables: %v", p)
		}
	}()
	if info == nil {
		return nil, ErrNoSizes
	}
	s := sums{modules: modulePaths(info), main: info.Main.Path, by: map[string]*ModuleSize{}, packages: map[string]string{}}
	image, err := openImage(&limitedReaderAt{r, inspectLimit})
	if err != nil {
		return nil, err
	}
	if err := s.functions(image.lines, image.order); err != nil {
		return nil, err
	}
	for name, bytes := range image.data {
		s.module(packageOf(name)).Data += bytes
	}
	left := size
	for _, m := range s.by {
		left -= m.Sum()
	}
	s.module("").Data += max(left, 0)
	for _, m := range s.by {
		sizes = append(sizes, *m)
	}
	slices.SortFunc(sizes, func(a, b ModuleSize) int {
		return cmp.Or(cmp.Compare(b.Code+b.Data, a.Code+a.Data), cmp.Compare(a.Module, b.Module))
	})
	return sizes, nil
}

// ErrNoSizes is the error for what has no table of Go functions.
var ErrNoSizes = errors.New("no table of Go functions")

// modulePaths are the modules of an executable, the longest path first: of two that a package may be of, it is of the longer.
func modulePaths(info *debug.BuildInfo) []string {
	var paths []string
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path != "" {
			paths = append(paths, m.Path)
		}
	}
	slices.SortFunc(paths, func(a, b string) int { return len(b) - len(a) })
	return paths
}

type sums struct {
	modules  []string
	main     string
	by       map[string]*ModuleSize
	packages map[string]string // the module of each package that was seen
}

// maxPackages is how many packages are remembered: no program has as many.
const maxPackages = 1 << 16

// module is the sum of the module that a package is of.
func (s *sums) module(pkg string) *ModuleSize {
	path, known := s.packages[pkg]
	if !known {
		path = s.find(pkg)
		if len(s.packages) < maxPackages {
			s.packages[pkg] = path
		}
	}
	m := s.by[path]
	if m == nil {
		m = &ModuleSize{Module: path}
		s.by[path] = m
	}
	return m
}

func (s *sums) find(pkg string) string {
	if pkg == "" {
		return ""
	}
	if pkg == "main" {
		return s.main
	}
	for _, path := range s.modules {
		if rest, ok := strings.CutPrefix(pkg, path); ok && (rest == "" || rest[0] == '/') {
			return path
		}
	}
	if first, _, _ := strings.Cut(pkg, "/"); !strings.Contains(first, ".") {
		return "std"
	}
	return ""
}

// packageOf is the package of a symbol: what is before the first dot after the last slash, with the linker's escapes undone.
// Names the compiler makes up, such as go:string.*, have none.
func packageOf(symbol string) string {
	// Type parameters and receivers may hold paths of their own.
	if i := strings.IndexAny(symbol, "[("); i >= 0 {
		symbol = symbol[:i]
	}
	if strings.Contains(symbol, ":") {
		return ""
	}
	slash := strings.LastIndexByte(symbol, '/') + 1
	dot := strings.IndexByte(symbol[slash:], '.')
	if dot < 0 {
		return ""
	}
	return strings.ReplaceAll(symbol[:slash+dot], "%2e", ".")
}

// functions sums the functions of a pclntab, the table of Go 1.18 and later:
//
//	magic 4 | 0 0 | quantum 1 | pointer size 1 | then words: functions, files, text, names, units, files, lines, table
//
// The last five are offsets in the table. The table of functions is pairs of 4 bytes, where each begins in the code and where
// its description is from the table on, and where the last one ends. A description begins with that place again, and
// the offset of the name. Nothing of it is copied, so that a hostile table takes no memory.
func (s *sums) functions(lines []byte, order binary.ByteOrder) error {
	if len(lines) < 8 || !slices.Contains([]uint32{0xfffffff0, 0xfffffff1}, order.Uint32(lines)) {
		return ErrNoSizes
	}
	pointer := int(lines[7])
	word := func(i int) uint64 {
		at := lines[8+i*pointer:]
		if pointer == 8 {
			return order.Uint64(at)
		}
		return uint64(order.Uint32(at))
	}
	if pointer != 4 && pointer != 8 || len(lines) < 8+8*pointer {
		return ErrNoSizes
	}
	count, namesAt, tableAt := word(0), word(3), word(7)
	size := uint64(len(lines))
	if namesAt > size || tableAt > size || count > (size-tableAt)/8 {
		return errors.New("its table of functions is damaged")
	}
	names, table := lines[namesAt:], lines[tableAt:]
	if uint64(len(table)) < count*8+4 {
		return errors.New("its table of functions is damaged")
	}
	for i := range count {
		begin, end := order.Uint32(table[i*8:]), order.Uint32(table[i*8+8:])
		at := uint64(order.Uint32(table[i*8+4:]))
		if end < begin || at+8 > uint64(len(table)) {
			return errors.New("its table of functions is damaged")
		}
		name := uint64(order.Uint32(table[at+4:]))
		if name > uint64(len(names)) {
			return errors.New("its table of functions is damaged")
		}
		text := names[name:min(name+maxSymbol, uint64(len(names)))]
		text, _, _ = bytes.Cut(text, []byte{0})
		s.module(packageOf(string(text))).Code += int64(end - begin)
	}
	return nil
}

// maxSymbol is as much of a symbol's name as is looked at.
const maxSymbol = 1024

// image is what SizesByModule needs of an executable.
type image struct {
	order binary.ByteOrder
	lines []byte           // the pclntab
	data  map[string]int64 // bytes of symbols of data by name, none where it is stripped
}

// maxTable is the largest table of functions or symbols that is read, which is all of it in memory.
const maxTable = 96 << 20

func openImage(r *limitedReaderAt) (*image, error) {
	if f, err := elf.NewFile(r); err == nil {
		i := &image{order: f.ByteOrder, data: map[string]int64{}}
		section := f.Section(".gopclntab")
		if section == nil {
			section = f.Section(".data.rel.ro.gopclntab")
		}
		if section == nil || section.Size > maxTable || section.FileSize > maxTable {
			return nil, ErrNoSizes
		}
		if i.lines, err = section.Data(); err != nil {
			return nil, err
		}
		i.elfData(f)
		return i, nil
	}
	if f, err := macho.NewFile(r); err == nil {
		section := f.Section("__gopclntab")
		if section == nil || section.Size > maxTable {
			return nil, ErrNoSizes
		}
		lines, err := section.Data()
		return &image{order: f.ByteOrder, lines: lines}, err
	}
	if f, err := pe.NewFile(r); err == nil {
		// PE has no section of its own for it.
		for _, section := range f.Sections {
			if section.Size > maxTable || section.Name != ".rdata" && section.Name != ".text" {
				continue
			}
			data, err := section.Data()
			if err != nil {
				return nil, err
			}
			if at := findLines(data); at >= 0 {
				return &image{order: binary.LittleEndian, lines: data[at:]}, nil
			}
		}
	}
	return nil, ErrNoSizes
}

// findLines looks for the beginning of a pclntab.
func findLines(data []byte) int {
	for _, magic := range [][]byte{{0xf1, 0xff, 0xff, 0xff, 0, 0}, {0xf0, 0xff, 0xff, 0xff, 0, 0}} {
		for from := 0; ; {
			at := bytes.Index(data[from:], magic)
			if at < 0 {
				break
			}
			at += from
			// Its quantum is 1, 2 or 4, its pointers have 4 or 8 bytes.
			if rest := data[at:]; len(rest) > 72 && slices.Contains([]byte{1, 2, 4}, rest[6]) && (rest[7] == 4 || rest[7] == 8) {
				return at
			}
			from = at + 1
		}
	}
	return -1
}

// elfData sums the symbols of data, which have their sizes in ELF only.
func (i *image) elfData(f *elf.File) {
	table := f.SectionByType(elf.SHT_SYMTAB)
	if table == nil || table.Size > maxTable/4 || int(table.Link) >= len(f.Sections) || f.Sections[table.Link].Size > maxTable/2 {
		return
	}
	symbols, err := f.Symbols()
	if err != nil {
		return
	}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) != elf.STT_OBJECT || int(s.Section) >= len(f.Sections) || f.Sections[s.Section].Type == elf.SHT_NOBITS {
			continue
		}
		i.data[s.Name] += int64(min(s.Size, f.Sections[s.Section].Size))
	}
}
