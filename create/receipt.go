package create

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/PlakarKorp/kpkg/finding"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/internal/regular"
)

// receipt says that this kpkg has verified a package: what came of it, for a later run that would make the same package.
type receipt struct {
	// Kpkg is the program that verified: another one may judge otherwise.
	Kpkg     string
	Name     string
	Strict   bool
	SHA256   string
	Findings []finding.Finding
}

// receipts are kept by RepositoryID in a folder; "" keeps none. They only save work: whatever is wrong with one counts as not
// having it.
//
// What a receipt says is believed: that the file with this SHA-256 is the package of this identity and has verified so. Who
// can write receipts, and put a package into its place, can so have a false one left alone.
type receipts struct {
	dir string
	// program identifies this kpkg; "" when it cannot be known, and then there are no receipts.
	program func() string
}

const (
	// receiptAge is how long a receipt is kept since its last use.
	receiptAge = 30 * 24 * time.Hour
	// maxReceipt is how much of a receipt is read, in bytes: more than all findings of a package may take.
	maxReceipt = 4 << 20
)

func openReceipts(cacheDir string) receipts {
	if cacheDir == "" {
		return receipts{}
	}
	return receipts{filepath.Join(cacheDir, receiptFolder), thisProgram}
}

const receiptFolder = "receipts"

func (r receipts) path(id uuid.UUID) string { return filepath.Join(r.dir, id.String()+".json") }

func (r receipts) get(id uuid.UUID) (receipt, bool) {
	var found receipt
	if r.dir == "" {
		return found, false
	}
	data, err := regular.Read(r.path(id), maxReceipt)
	if err != nil || json.Unmarshal(data, &found) != nil {
		return found, false
	}
	return found, found.Kpkg != "" && found.Kpkg == r.program()
}

func (r receipts) put(id uuid.UUID, made receipt) {
	if r.dir == "" || r.program() == "" || os.MkdirAll(r.dir, 0o700) != nil {
		return
	}
	made.Kpkg = r.program()
	data, err := json.Marshal(made)
	if err != nil {
		return
	}
	_ = regular.Replace(r.path(id), data, regular.PrivateMode)
}

// prune removes the receipts that are old.
func (r receipts) prune() {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > receiptAge {
			os.Remove(filepath.Join(r.dir, entry.Name()))
		}
	}
}

// Clean removes what runs have kept in the folder cacheDir, executables and receipts, until ctx ends. It returns how many bytes
// that freed.
func Clean(ctx context.Context, cacheDir string) (freed int64, err error) {
	freed, err = gobuild.Clean(ctx, cacheDir)
	if err != nil {
		return freed, err
	}
	folder := filepath.Join(cacheDir, receiptFolder)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return freed, nil
	}
	for _, entry := range entries {
		if ctx.Err() != nil {
			return freed, context.Cause(ctx)
		}
		info, infoErr := entry.Info()
		removeErr := os.RemoveAll(filepath.Join(folder, entry.Name()))
		if infoErr == nil && removeErr == nil {
			freed += info.Size()
		}
		err = errors.Join(err, removeErr)
	}
	if err != nil {
		return freed, fmt.Errorf("cleaning %s: %w", folder, err)
	}
	return freed, nil
}
