package host

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// runs386 tells whether this machine's kernel runs executables for 386. Some are told not to (ia32_emulation=off), or
// made without it, and no file says so of all of them: the kernel is given the smallest of programs, which is in no folder.
var runs386 = sync.OnceValue(func() bool {
	fd, err := unix.MemfdCreate("smallest", unix.MFD_CLOEXEC)
	if err != nil {
		return true
	}
	file := os.NewFile(uintptr(fd), "smallest")
	defer file.Close()
	if _, err := file.Write(smallest386()); err != nil {
		return true
	}
	return !errors.Is(exec.Command(fmt.Sprintf("/proc/self/fd/%d", fd)).Run(), syscall.ENOEXEC)
})

// smallest386 is an executable for Linux on 386 that ends at once, with status 0.
func smallest386() []byte {
	const at, headers = 0x8048000, 52 + 32
	code := []byte{
		0xb8, 1, 0, 0, 0, // mov eax, 1: exit
		0x31, 0xdb, // xor ebx, ebx: its status
		0xcd, 0x80, // int 0x80
	}
	size := uint32(headers + len(code))
	header := elf.Header32{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_386), Version: uint32(elf.EV_CURRENT),
		Entry: at + headers, Phoff: 52, Ehsize: 52, Phentsize: 32, Phnum: 1,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA] = byte(elf.ELFCLASS32), byte(elf.ELFDATA2LSB)
	header.Ident[elf.EI_VERSION] = byte(elf.EV_CURRENT)
	loaded := elf.Prog32{
		Type: uint32(elf.PT_LOAD), Vaddr: at, Paddr: at, Filesz: size, Memsz: size, Flags: uint32(elf.PF_R | elf.PF_X), Align: 0x1000,
	}
	var b bytes.Buffer
	for _, part := range []any{header, loaded, code} {
		// It fails for what has no fixed size alone, and a buffer takes all.
		_ = binary.Write(&b, binary.LittleEndian, part)
	}
	return b.Bytes()
}
