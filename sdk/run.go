package sdk

import (
	"context"
	"fmt"
	"os"
)

// RunImporter serves an importer to the host that started this process. The constructor is called as an [ImporterFn] is,
// whatever type of importer it returns; [ScannerFrom] makes one of the simplest shape. RunImporter does not return: the process
// exits with 0 when the host is done, with 2 if it was started by hand.
func RunImporter[I Importer](
	construct func(context.Context, *Options, string, map[string]string) (I, error),
) {
	run("an importer", newImporterService(ImporterFrom(construct)))
}

// RunExporter serves an exporter, as RunImporter does an importer: see [ExporterFn].
func RunExporter[E Exporter](
	construct func(context.Context, *Options, string, map[string]string) (E, error),
) {
	run("an exporter", newExporterService(ExporterFrom(construct)))
}

// RunStorage serves a storage, as RunImporter does an importer: see [StoreFn].
func RunStorage[S StoreOf[M, R, G], M, R ~uint32, G RangeOf](
	construct func(context.Context, string, map[string]string) (S, error),
) {
	run("a storage", newStorageService(StorageFrom(construct)))
}

// RunSecretProvider serves a secret provider, as RunImporter does an importer: see [SecretProviderFn]. Unstable, as
// [SecretProvider] is.
func RunSecretProvider[P SecretProvider](construct func(context.Context, map[string]string) (P, error)) {
	run("a secret provider", newSecretProviderService(SecretProviderFrom(construct)))
}

// RunInventory serves an inventory, as RunImporter does an importer: see [InventoryFn]. Unstable, as [Inventory] is.
func RunInventory[I Inventory](construct func(context.Context, map[string]string) (I, error)) {
	run("an inventory", newInventoryService(InventoryFrom(construct)))
}

// EntrypointImporter is RunImporter for a main that passes os.Args, as go-kloset-sdk has it. It takes no arguments.
func EntrypointImporter[I Importer](
	args []string, construct func(context.Context, *Options, string, map[string]string) (I, error),
) {
	refuse(args)
	RunImporter(construct)
}

// EntrypointExporter is to RunExporter what EntrypointImporter is to RunImporter.
func EntrypointExporter[E Exporter](
	args []string, construct func(context.Context, *Options, string, map[string]string) (E, error),
) {
	refuse(args)
	RunExporter(construct)
}

// EntrypointStorage is to RunStorage what EntrypointImporter is to RunImporter.
func EntrypointStorage[S StoreOf[M, R, G], M, R ~uint32, G RangeOf](
	args []string, construct func(context.Context, string, map[string]string) (S, error),
) {
	refuse(args)
	RunStorage(construct)
}

func refuse(args []string) {
	if len(args) > 1 {
		fmt.Fprintf(os.Stderr, "%s takes no arguments, check args in the manifest: got %q\n", args[0], args[1:])
		os.Exit(exitUsage)
	}
}
