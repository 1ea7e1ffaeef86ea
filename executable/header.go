package executable

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

var errNotProgram = errors.New("an object file or a shared library, not a program")

// readELF tells OS and architecture of an ELF file. Linux leaves the header's OS byte at 0 as often as not, so notes and
// the dynamic loader's path are asked after it.
func readELF(r io.ReaderAt) (Binary, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return Binary{}, fmt.Errorf("reading the ELF header: %w", err)
	}
	// A shared library and a position independent program are both ET_DYN; only the program has an entry point.
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN || f.Entry == 0 {
		return Binary{}, errNotProgram
	}
	return Binary{
		Format:   "elf",
		OS:       elfOS(f),
		Arch:     elfArch(f),
		Stripped: f.SectionByType(elf.SHT_SYMTAB) == nil,
	}, nil
}

func elfOS(f *elf.File) string {
	switch f.OSABI {
	case elf.ELFOSABI_LINUX:
		return "linux"
	case elf.ELFOSABI_FREEBSD:
		return "freebsd"
	case elf.ELFOSABI_NETBSD:
		return "netbsd"
	case elf.ELFOSABI_OPENBSD:
		return "openbsd"
	case elf.ELFOSABI_SOLARIS:
		return "solaris"
	}
	for _, prog := range f.Progs {
		switch prog.Type {
		case elf.PT_NOTE:
			if os := noteOS(f.ByteOrder, head(prog)); os != "" {
				return os
			}
		case elf.PT_INTERP:
			loader, _, _ := bytes.Cut(head(prog), []byte{0})
			if os := loaderOS(string(loader)); os != "" {
				return os
			}
		}
	}
	return ""
}

// head returns the first bytes of a segment: notes that name a system and loaders' paths are short.
func head(prog *elf.Prog) []byte {
	data := make([]byte, min(prog.Filesz, 4096))
	n, _ := prog.ReadAt(data, 0)
	return data[:n]
}

// noteOS looks for the note by which a system marks its executables. A note is three words (length of its name, length of
// its description, type), the name, the description, both padded to four bytes.
func noteOS(order binary.ByteOrder, notes []byte) string {
	for len(notes) >= 12 {
		nameSize, descSize := uint64(order.Uint32(notes)), uint64(order.Uint32(notes[4:]))
		kind := order.Uint32(notes[8:])
		notes = notes[12:]
		descStart := (nameSize + 3) &^ 3
		end := descStart + (descSize+3)&^3
		if descStart+descSize > uint64(len(notes)) {
			return ""
		}
		name := strings.TrimRight(string(notes[:nameSize]), "\x00")
		const abiTag = 1 // NT_GNU_ABI_TAG, NT_VERSION and their like
		if kind == abiTag {
			switch name {
			case "GNU":
				if descSize >= 4 && order.Uint32(notes[descStart:]) == 0 {
					return "linux"
				}
			case "Android":
				return "android"
			case "FreeBSD", "NetBSD", "OpenBSD", "DragonFly":
				return strings.ToLower(name)
			}
		}
		notes = notes[min(end, uint64(len(notes))):]
	}
	return ""
}

// loaderOS tells the system by the path of its dynamic loader.
func loaderOS(path string) string {
	switch {
	case strings.Contains(path, "/ld-linux"), strings.Contains(path, "/ld-musl"), strings.HasPrefix(path, "/lib/ld64.so."):
		return "linux"
	case strings.HasPrefix(path, "/system/bin/linker"):
		return "android"
	case path == "/libexec/ld-elf.so.1":
		return "freebsd"
	case path == "/libexec/ld-elf.so.2":
		return "dragonfly"
	case path == "/usr/libexec/ld.so":
		return "openbsd"
	case path == "/usr/libexec/ld.elf_so", path == "/libexec/ld.elf_so":
		return "netbsd"
	}
	return ""
}

// elfArch is the GOARCH of an ELF machine, width and byte order; empty for those Go does not build.
func elfArch(f *elf.File) string {
	wide, little := f.Class == elf.ELFCLASS64, f.Data == elf.ELFDATA2LSB
	switch {
	case f.Machine == elf.EM_386 && !wide:
		return "386"
	case f.Machine == elf.EM_X86_64 && wide:
		return "amd64"
	case f.Machine == elf.EM_ARM && little:
		return "arm"
	case f.Machine == elf.EM_AARCH64 && wide && little:
		return "arm64"
	case f.Machine == elf.EM_LOONGARCH && wide:
		return "loong64"
	case f.Machine == elf.EM_RISCV && wide:
		return "riscv64"
	case f.Machine == elf.EM_S390 && wide:
		return "s390x"
	case f.Machine == elf.EM_PPC64 && little:
		return "ppc64le"
	case f.Machine == elf.EM_PPC64:
		return "ppc64"
	case f.Machine == elf.EM_MIPS:
		arch := "mips"
		if wide {
			arch += "64"
		}
		if little {
			arch += "le"
		}
		return arch
	}
	return ""
}

func readMachO(r io.ReaderAt) (Binary, error) {
	f, err := macho.NewFile(r)
	if err != nil {
		return Binary{}, fmt.Errorf("reading the Mach-O header: %w", err)
	}
	return machOBinary(f)
}

func machOBinary(f *macho.File) (Binary, error) {
	if f.Type != macho.TypeExec {
		return Binary{}, errNotProgram
	}
	// A stripped program keeps the symbols it imports; what goes are its own.
	stripped := f.Symtab == nil || f.Dysymtab != nil && f.Dysymtab.Nlocalsym == 0
	return Binary{Format: "macho", OS: "darwin", Arch: machOArch(f.Cpu), Stripped: stripped}, nil
}

func machOArch(cpu macho.Cpu) string {
	switch cpu {
	case macho.CpuAmd64:
		return "amd64"
	case macho.CpuArm64:
		return "arm64"
	case macho.Cpu386:
		return "386"
	case macho.CpuArm:
		return "arm"
	}
	return ""
}

// readUniversal reads a Mach-O file that holds one program for each of several architectures.
func readUniversal(r io.ReaderAt) (Binary, error) {
	f, err := macho.NewFatFile(r)
	if err != nil {
		return Binary{}, fmt.Errorf("reading the universal Mach-O header: %w", err)
	}
	universal := Binary{Format: "macho", OS: "darwin", Arch: "universal", Stripped: true}
	for _, slice := range f.Arches {
		one, err := machOBinary(slice.File)
		if err != nil {
			return Binary{}, err
		}
		universal.slices = append(universal.slices, one.Arch)
		universal.Stripped = universal.Stripped && one.Stripped
	}
	return universal, nil
}

func readPE(r io.ReaderAt) (Binary, error) {
	f, err := pe.NewFile(r)
	if err != nil {
		return Binary{}, fmt.Errorf("reading the PE header: %w", err)
	}
	const program, library = pe.IMAGE_FILE_EXECUTABLE_IMAGE, pe.IMAGE_FILE_DLL
	if f.Characteristics&(program|library) != program {
		return Binary{}, errNotProgram
	}
	return Binary{Format: "pe", OS: "windows", Arch: peArch(f.Machine), Stripped: len(f.COFFSymbols) == 0}, nil
}

func peArch(machine uint16) string {
	switch machine {
	case pe.IMAGE_FILE_MACHINE_I386:
		return "386"
	case pe.IMAGE_FILE_MACHINE_AMD64:
		return "amd64"
	case pe.IMAGE_FILE_MACHINE_ARMNT:
		return "arm"
	case pe.IMAGE_FILE_MACHINE_ARM64:
		return "arm64"
	}
	return ""
}
