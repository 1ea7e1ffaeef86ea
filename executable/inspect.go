package executable

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
)

// Binary is what an executable says of itself.
type Binary struct {
	// Format is "elf", "macho", "pe", or "script" for a text that starts with #!.
	Format string
	// OS and Arch are a GOOS and GOARCH. Both are empty for a script; OS is empty too for an ELF file whose header leaves
	// it open; Arch is "universal" for a Mach-O file that holds several.
	OS, Arch string
	// Stripped means that there is no symbol table (Go: -ldflags -s).
	Stripped bool
	// Go is what the Go linker wrote: Go version, main package, modules, settings. It is nil for an executable that Go did
	// not make and for a universal one. Its strings come from the file: bounded, but not fit for a terminal as they are.
	Go *debug.BuildInfo

	slices []string // the architectures of a universal Mach-O file
}

// inspectLimit bounds the bytes read of one executable, and so the memory used and the time spent: the tables of a hostile
// file may claim to fill it, and its parts may overlap. The symbols of the largest Go programs take a tenth of it.
const inspectLimit = 256 << 20

// Inspect reads the headers of an executable, and the build information if Go made it. It is an error if r is no ELF,
// Mach-O or PE executable and no #! script, and if the header and Go's build information name different platforms.
// It takes any input: what is read is bounded, and a panic of a parser is an error.
func Inspect(r io.ReaderAt) (binary Binary, err error) {
	defer func() {
		if p := recover(); p != nil {
			binary, err = Binary{}, fmt.Errorf("reading the executable's headers: %v", p)
		}
	}()
	limited := &limitedReaderAt{r, inspectLimit}
	binary, err = readHeader(limited)
	if err != nil || binary.Format == "script" || binary.Arch == "universal" {
		return binary, err
	}
	info, err := buildinfo.Read(limited)
	if limited.left == 0 {
		return Binary{}, errInspectLimit
	}
	if err != nil {
		return binary, nil // the header is sound, so this is an executable that Go did not make
	}
	binary.Go = info
	return binary, binary.agree()
}

// agree compares Go's build information with the header and takes from it what the header leaves open.
func (b *Binary) agree() error {
	os, arch := b.Setting("GOOS"), b.Setting("GOARCH")
	if os == "" && arch == "" {
		return nil // Go before 1.18 wrote no settings
	}
	// An ELF header may leave the system open, and tells no android from linux, ios from darwin, illumos from solaris.
	sameOS := os == b.OS || b.OS == "" && runsELF[os] || kernels[os] != "" && b.OS == kernels[os]
	if !sameOS || arch != b.Arch {
		return fmt.Errorf("the %s header says %s, Go's build information says %q", b.Format,
			Platform{cmp.Or(b.OS, "unknown"), cmp.Or(b.Arch, "unknown")}, os+"/"+arch)
	}
	b.OS = os
	return nil
}

var kernels = map[string]string{"android": "linux", "ios": "darwin", "illumos": "solaris"}

// runsELF holds the systems whose programs are ELF files.
var runsELF = map[string]bool{
	"linux": true, "android": true, "freebsd": true, "openbsd": true, "netbsd": true, "dragonfly": true,
	"solaris": true, "illumos": true,
}

// Runs reports whether the platform can start the executable, as far as its headers tell.
func (b Binary) Runs(p Platform) bool {
	switch {
	case b.Format == "script":
		return p.OS != "windows"
	case b.Arch == "universal":
		return b.OS == p.OS && slices.Contains(b.slices, p.Arch)
	case b.OS == "":
		return runsELF[p.OS] && b.Arch == p.Arch
	}
	return b.OS == p.OS && b.Arch == p.Arch
}

// Setting is the value of a build setting that Go recorded, such as "-trimpath", "CGO_ENABLED" or "vcs.revision"; empty
// when there is none.
func (b Binary) Setting(key string) string {
	if b.Go == nil {
		return ""
	}
	for _, s := range b.Go.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// plakarModules decide which plakar clients an executable can speak to.
var plakarModules = []string{
	"github.com/PlakarKorp/kpkg",
	"github.com/PlakarKorp/go-kloset-sdk",
	"github.com/PlakarKorp/integration-grpc",
	"github.com/PlakarKorp/kloset",
}

// PlakarModules returns the modules in the executable that decide which plakar clients it can speak to, in a fixed order:
// the SDKs, the protocol, kloset.
func (b Binary) PlakarModules() []debug.Module {
	if b.Go == nil {
		return nil
	}
	var modules []debug.Module
	for _, path := range plakarModules {
		if b.Go.Main.Path == path {
			modules = append(modules, b.Go.Main)
		}
		for _, dep := range b.Go.Deps {
			if dep.Path == path {
				modules = append(modules, *dep)
			}
		}
	}
	return modules
}

var errInspectLimit = fmt.Errorf("the executable's headers and symbols take more than %d MiB", inspectLimit>>20)

// limitedReaderAt fails for good once left bytes have been read in all.
type limitedReaderAt struct {
	r    io.ReaderAt
	left int64
}

func (l *limitedReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if int64(len(p)) > l.left {
		l.left = 0
		return 0, errInspectLimit
	}
	n, err := l.r.ReadAt(p, off)
	l.left -= int64(n)
	return n, err
}

var errNotExecutable = errors.New("not an executable: neither ELF, Mach-O nor PE, and no #! line")

// readHeader tells the format by its first bytes and reads what the format's own header says.
func readHeader(r *limitedReaderAt) (Binary, error) {
	var magic [4]byte
	if n, err := r.ReadAt(magic[:], 0); n < len(magic) {
		if err == io.EOF {
			return Binary{}, errNotExecutable
		}
		return Binary{}, fmt.Errorf("reading the executable: %w", err)
	}
	switch {
	case string(magic[:2]) == "#!":
		return Binary{Format: "script"}, nil
	case string(magic[:]) == "\x7fELF":
		return readELF(r)
	case bytes.HasSuffix(magic[:], []byte("\xfa\xed\xfe")), bytes.HasPrefix(magic[:], []byte("\xfe\xed\xfa")):
		return readMachO(r)
	case string(magic[:]) == "\xca\xfe\xba\xbe":
		return readUniversal(r)
	case string(magic[:2]) == "MZ":
		return readPE(r)
	}
	return Binary{}, errNotExecutable
}
