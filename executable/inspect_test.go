package executable

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tinyProgram writes a module of one main package and builds it for the platform with the go tool alone.
func tinyProgram(t testing.TB, platform Platform, flags ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":  "module example.org/tiny\n\ngo 1.24\n",
		"main.go": "package main\n\nfunc main() {}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "tiny")
	cmd := exec.CommandContext(context.Background(), "go", append(append([]string{"build", "-o", out}, flags...), ".")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS="+platform.OS, "GOARCH="+platform.Arch, "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestInspectGoExecutables(t *testing.T) {
	for _, test := range []struct {
		platform Platform
		format   string
	}{
		{Platform{"linux", "amd64"}, "elf"},
		{Platform{"linux", "386"}, "elf"},
		{Platform{"freebsd", "amd64"}, "elf"},
		{Platform{"darwin", "arm64"}, "macho"},
		{Platform{"windows", "amd64"}, "pe"},
	} {
		t.Run(test.platform.String(), func(t *testing.T) {
			for _, stripped := range []bool{true, false} {
				flags := []string{"-trimpath"}
				if stripped {
					flags = append(flags, "-ldflags=-s -w")
				}
				b, err := Inspect(bytes.NewReader(tinyProgram(t, test.platform, flags...)))
				if err != nil {
					t.Fatal(err)
				}
				if b.Format != test.format || b.OS != test.platform.OS || b.Arch != test.platform.Arch {
					t.Errorf("got %s for %s/%s, want %s for %s", b.Format, b.OS, b.Arch, test.format, test.platform)
				}
				if b.Stripped != stripped {
					t.Errorf("stripped is %v, want %v", b.Stripped, stripped)
				}
				if b.Go == nil || b.Go.Path != "example.org/tiny" || !strings.HasPrefix(b.Go.GoVersion, "go1.") {
					t.Errorf("build information %+v", b.Go)
				}
				if b.Setting("-trimpath") != "true" || b.Setting("CGO_ENABLED") != "0" || b.Setting("no such") != "" {
					t.Errorf("settings %v", b.Go.Settings)
				}
				if !b.Runs(test.platform) || b.Runs(Platform{"openbsd", "ppc64"}) {
					t.Error("runs on the wrong platform")
				}
			}
		})
	}
}

func TestInspectFindsPlakarModules(t *testing.T) {
	self, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	b, err := Inspect(self)
	if err != nil {
		t.Fatal(err)
	}
	modules := b.PlakarModules()
	if len(modules) == 0 || modules[0].Path != "github.com/PlakarKorp/kpkg" {
		t.Errorf("modules of this test's executable: %v", modules)
	}
}

func TestInspectRefusesHeaderAgainstBuildInfo(t *testing.T) {
	data := tinyProgram(t, Platform{"linux", "amd64"})
	data[elf.EI_OSABI] = byte(elf.ELFOSABI_FREEBSD)
	_, err := Inspect(bytes.NewReader(data))
	want := `the elf header says freebsd/amd64, Go's build information says "linux/amd64"`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// header describes a program that another compiler made, down to the bytes Inspect looks at.
type header struct {
	kind    elf.Type
	machine elf.Machine
	class   elf.Class
	order   binary.ByteOrder
	osabi   elf.OSABI
	entry   uint64
	segment elf.ProgType // 0: none
	content string
}

func (h header) bytes(t testing.TB) []byte {
	t.Helper()
	data := elf.ELFDATA2LSB
	if h.order == binary.BigEndian {
		data = elf.ELFDATA2MSB
	}
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(h.class), byte(data), byte(elf.EV_CURRENT), byte(h.osabi)}
	var out bytes.Buffer
	write := func(v any) {
		if err := binary.Write(&out, h.order, v); err != nil {
			t.Fatal(err)
		}
	}
	segments := uint16(0)
	if h.segment != 0 {
		segments = 1
	}
	if h.class == elf.ELFCLASS32 {
		write(elf.Header32{Ident: ident, Type: uint16(h.kind), Machine: uint16(h.machine), Version: 1, Entry: uint32(h.entry),
			Phoff: 52, Ehsize: 52, Phentsize: 32, Phnum: segments, Shentsize: 40})
		write(elf.Prog32{Type: uint32(h.segment), Off: 84, Filesz: uint32(len(h.content))})
	} else {
		write(elf.Header64{Ident: ident, Type: uint16(h.kind), Machine: uint16(h.machine), Version: 1, Entry: h.entry,
			Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: segments, Shentsize: 64})
		write(elf.Prog64{Type: uint32(h.segment), Off: 120, Filesz: uint64(len(h.content))})
	}
	out.WriteString(h.content)
	return out.Bytes()
}

// note is one ELF note of type 1 in little endian.
func note(name, description string) string {
	pad := func(s string) string { return s + strings.Repeat("\x00", -len(s)&3) }
	var b bytes.Buffer
	for _, word := range []int{len(name) + 1, len(description), 1} {
		b.Write(binary.LittleEndian.AppendUint32(nil, uint32(word)))
	}
	return b.String() + pad(name+"\x00") + pad(description)
}

func TestInspectForeignELF(t *testing.T) {
	little, big := binary.LittleEndian, binary.BigEndian
	wide, narrow := elf.ELFCLASS64, elf.ELFCLASS32
	for name, test := range map[string]struct {
		header header
		want   string // os/arch, or the error
	}{
		"nothing says": {header{elf.ET_EXEC, elf.EM_X86_64, wide, little, 0, 1, 0, ""}, "/amd64"},
		"abi linux":    {header{elf.ET_EXEC, elf.EM_AARCH64, wide, little, elf.ELFOSABI_LINUX, 1, 0, ""}, "linux/arm64"},
		"abi freebsd":  {header{elf.ET_EXEC, elf.EM_386, narrow, little, elf.ELFOSABI_FREEBSD, 1, 0, ""}, "freebsd/386"},
		"note linux": {header{elf.ET_DYN, elf.EM_RISCV, wide, little, 0, 1, elf.PT_NOTE,
			note("GNU", "\x00\x00\x00\x00\x03\x00\x00\x00")}, "linux/riscv64"},
		"second note": {header{elf.ET_EXEC, elf.EM_ARM, narrow, little, 0, 1, elf.PT_NOTE,
			note("odd", "x") + note("NetBSD", "\x00\x00\x00\x00")}, "netbsd/arm"},
		"note of hurd": {header{elf.ET_EXEC, elf.EM_X86_64, wide, little, 0, 1, elf.PT_NOTE,
			note("GNU", "\x01\x00\x00\x00")}, "/amd64"},
		"cut note": {header{elf.ET_EXEC, elf.EM_X86_64, wide, little, 0, 1, elf.PT_NOTE,
			note("OpenBSD", "\x00\x00\x00\x00")[:20]}, "/amd64"},
		"huge note": {header{elf.ET_EXEC, elf.EM_X86_64, wide, little, 0, 1, elf.PT_NOTE,
			"\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00"}, "/amd64"},
		"musl loader": {header{elf.ET_DYN, elf.EM_X86_64, wide, little, 0, 1, elf.PT_INTERP,
			"/lib/ld-musl-x86_64.so.1\x00"}, "linux/amd64"},
		"freebsd loader": {header{elf.ET_EXEC, elf.EM_PPC64, wide, big, 0, 1, elf.PT_INTERP,
			"/libexec/ld-elf.so.1\x00"}, "freebsd/ppc64"},
		"big endian mips": {header{elf.ET_EXEC, elf.EM_MIPS, narrow, big, elf.ELFOSABI_LINUX, 1, 0, ""}, "linux/mips"},
		"64-bit mips":     {header{elf.ET_EXEC, elf.EM_MIPS, wide, little, elf.ELFOSABI_LINUX, 1, 0, ""}, "linux/mips64le"},
		"x32":             {header{elf.ET_EXEC, elf.EM_X86_64, narrow, little, elf.ELFOSABI_LINUX, 1, 0, ""}, "linux/"},
		"object file":     {header{elf.ET_REL, elf.EM_X86_64, wide, little, 0, 0, 0, ""}, errNotProgram.Error()},
		"shared library":  {header{elf.ET_DYN, elf.EM_X86_64, wide, little, 0, 0, 0, ""}, errNotProgram.Error()},
	} {
		b, err := Inspect(bytes.NewReader(test.header.bytes(t)))
		got := b.OS + "/" + b.Arch
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

func TestInspectOtherFiles(t *testing.T) {
	script, err := Inspect(strings.NewReader("#!/bin/sh\nexec python3 plugin.py\n"))
	if err != nil || script.Format != "script" || !script.Runs(Host()) || script.Runs(Platform{"windows", "amd64"}) {
		t.Errorf("script: %+v, %v", script, err)
	}
	for name, content := range map[string]string{
		"empty": "", "short": "#!", "text": "name: ftp\n", "zip": "PK\x03\x04", "cut ELF": "\x7fELF\x02\x01\x01",
		"cut Mach-O": "\xcf\xfa\xed\xfe", "cut PE": "MZ\x90\x00", "java class": "\xca\xfe\xba\xbe\x00\x00\x00\x34",
	} {
		if b, err := Inspect(strings.NewReader(content)); err == nil {
			t.Errorf("%s is taken for %+v", name, b)
		}
	}
}

func TestInspectUniversal(t *testing.T) {
	amd64, arm64 := tinyProgram(t, Platform{"darwin", "amd64"}), tinyProgram(t, Platform{"darwin", "arm64"})
	const align, start = 14, 1 << 14
	second := (start + len(amd64) + 1<<align - 1) &^ (1<<align - 1)
	var file bytes.Buffer
	for _, word := range []uint32{
		0xcafebabe, 2,
		0x01000007, 3, start, uint32(len(amd64)), align,
		0x0100000c, 0, uint32(second), uint32(len(arm64)), align,
	} {
		file.Write(binary.BigEndian.AppendUint32(nil, word))
	}
	file.Write(make([]byte, start-file.Len()))
	file.Write(amd64)
	file.Write(make([]byte, second-file.Len()))
	file.Write(arm64)
	b, err := Inspect(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if b.Arch != "universal" || !b.Runs(Platform{"darwin", "amd64"}) || !b.Runs(Platform{"darwin", "arm64"}) ||
		b.Runs(Platform{"darwin", "386"}) || b.Runs(Platform{"linux", "amd64"}) {
		t.Errorf("universal program is %+v", b)
	}
}

// endless is a reader of a file without an end, such as a hostile package may describe.
type endless struct{ head []byte }

func (e endless) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off < int64(len(e.head)) {
		copy(p, e.head[off:])
	}
	return len(p), nil
}

func TestInspectBoundsWhatItReads(t *testing.T) {
	h := header{elf.ET_EXEC, elf.EM_X86_64, elf.ELFCLASS64, binary.LittleEndian, elf.ELFOSABI_LINUX, 1, elf.PT_LOAD, ""}
	data := h.bytes(t)
	binary.LittleEndian.PutUint32(data[64+4:], uint32(elf.PF_R|elf.PF_W)) // where Go's build information may be
	binary.LittleEndian.PutUint64(data[64+32:], 1<<60)                    // size in the file
	binary.LittleEndian.PutUint64(data[64+40:], 1<<60)                    // size in memory
	if _, err := Inspect(endless{data}); err != errInspectLimit {
		t.Errorf("got %v, want %v", err, errInspectLimit)
	}
}

func FuzzInspect(f *testing.F) {
	f.Add([]byte("#!/bin/sh\n"))
	f.Add(header{elf.ET_EXEC, elf.EM_X86_64, elf.ELFCLASS64, binary.LittleEndian, 0, 1, elf.PT_NOTE,
		note("NetBSD", "\x00\x00\x00\x00")}.bytes(f))
	f.Add(header{elf.ET_DYN, elf.EM_MIPS, elf.ELFCLASS32, binary.BigEndian, 0, 1, elf.PT_INTERP,
		"/lib/ld-musl-mips.so.1\x00"}.bytes(f))
	for _, p := range []Platform{{"linux", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}} {
		f.Add(tinyProgram(f, p, "-ldflags=-s -w")[:8192]) // headers only: whole programs make the fuzzer crawl
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Inspect(bytes.NewReader(data))
		if err == nil && b.Format == "" {
			t.Error("neither an error nor a format")
		}
	})
}
