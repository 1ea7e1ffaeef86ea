package interop

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PlakarKorp/integration-grpc/exporter"
	"github.com/PlakarKorp/integration-grpc/importer"
	"github.com/PlakarKorp/integration-grpc/storage"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// protoBlock is a block of docs/protocol.md: the last part of its package, which names its file, and its text.
var protoBlock = regexp.MustCompile("(?s)```proto protoc\n(.*?package (?:plakar\\.)?(\\w+);.*?)```")

// TestProtocol compares the messages and calls of docs/protocol.md with those that plakar is built with.
func TestProtocol(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(rig.Root(), "docs", "protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var names []string
	for _, block := range protoBlock.FindAllSubmatch(page, -1) {
		name := string(block[2]) + ".proto"
		names = append(names, name)
		if err := os.WriteFile(filepath.Join(dir, name), block[1], 0o644); err != nil {
			t.Fatal(err)
		}
		example, err := os.ReadFile(filepath.Join(rig.Root(), "examples", "zip", name))
		if err == nil && !bytes.Equal(example, block[1]) {
			t.Errorf("examples/zip has another %s than the page", name)
		}
	}
	compile := exec.CommandContext(t.Context(), "protoc", append([]string{"-I.", "--descriptor_set_out=messages"}, names...)...)
	compile.Dir = dir
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	encoded, err := os.ReadFile(filepath.Join(dir, "messages"))
	if err != nil {
		t.Fatal(err)
	}
	var documented descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(encoded, &documented); err != nil {
		t.Fatal(err)
	}
	file := importer.File_importer_proto
	want := map[string]protoreflect.FileDescriptor{
		"importer.proto": file, "connectors.proto": file.Imports().Get(0).FileDescriptor,
		"exporter.proto": exporter.File_exporter_proto, "store.proto": storage.File_storage_proto,
	}
	// What plakar is not built with is held to the SDK and the host by internal/protocol.
	isNewer := func(f *descriptorpb.FileDescriptorProto) bool {
		return f.GetPackage() == "secret_provider" || f.GetPackage() == "inventory"
	}
	documented.File = slices.DeleteFunc(documented.File, isNewer)
	if len(documented.File) != len(want) {
		t.Errorf("the page has %q", names)
	}
	for _, got := range documented.File {
		if want[got.GetName()] == nil {
			t.Errorf("plakar has no %s", got.GetName())
			continue
		}
		wanted := protodesc.ToFileDescriptorProto(want[got.GetName()])
		got.Options, wanted.Options = nil, nil // which Go package it is generated into
		got.Name, wanted.Name = nil, nil
		got.Dependency, wanted.Dependency = nil, nil
		sortMessages(got.MessageType)
		sortMessages(wanted.MessageType)
		sortMethods(got)
		sortMethods(wanted)
		if !proto.Equal(got, wanted) {
			t.Errorf("%v\nof the page is, for plakar,\n%v", got, wanted)
		}
	}
}

// TestPython builds examples/zip, holds it to the suite, and backs up with it.
func TestPython(t *testing.T) {
	t.Parallel()
	source := filepath.Join(t.TempDir(), "zip")
	if err := os.CopyFS(source, os.DirFS(filepath.Join(rig.Root(), "examples", "zip"))); err != nil {
		t.Fatal(err)
	}
	// CopyFS leaves out who may run a file.
	if err := os.Chmod(filepath.Join(source, "zipImporter"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "make", "-B", "-C", source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	mustKpkg(t, "validate", "--strict", source)
	dist := t.TempDir()
	mustKpkg(t, "create", source, "v0.1.0", "--strict", "--out-dir", dist)
	found, err := filepath.Glob(filepath.Join(dist, "zip_v0.1.0_*.ptar"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%q, %v", found, err)
	}
	mustKpkg(t, "verify", found[0])
	if tested := mustKpkg(t, "test", source); !strings.Contains(tested.Stdout, "49 passed, 0 failed") {
		t.Error(tested)
	}

	// A tree goes into a zip that kpkg writes, and comes back through the client.
	tree, dir := writeTree(t), t.TempDir()
	packed, zipped := filepath.Join(dir, "tree.ptar"), filepath.Join(dir, "tree.zip")
	mustKpkg(t, "pack", tree, "-o", packed)
	mustKpkg(t, "extract", packed, "--zip", zipped)
	client := newClient(t, found[0])
	store, restored := "fs:"+t.TempDir(), filepath.Join(dir, "restored")
	must(t, client, "at", store, "create", "-plaintext")
	backup(t, client, store, "zip:"+zipped, restored)
	wantEqual(t, tree, restored)
}

// sortMessages puts messages in the order of their names, and fields in that of their numbers: neither order matters.
func sortMessages(messages []*descriptorpb.DescriptorProto) {
	slices.SortFunc(messages, func(a, b *descriptorpb.DescriptorProto) int { return strings.Compare(a.GetName(), b.GetName()) })
	for _, m := range messages {
		slices.SortFunc(m.Field, func(a, b *descriptorpb.FieldDescriptorProto) int { return int(a.GetNumber() - b.GetNumber()) })
	}
}

func sortMethods(file *descriptorpb.FileDescriptorProto) {
	for _, s := range file.Service {
		slices.SortFunc(s.Method, func(a, b *descriptorpb.MethodDescriptorProto) int { return strings.Compare(a.GetName(), b.GetName()) })
	}
}
