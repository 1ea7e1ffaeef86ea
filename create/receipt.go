package create

import (
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

// receipts are kept by RepositoryID in a folder of the user's cache; "" keeps none. They only save work: whatever is wrong
// with one counts as not having it.
type receipts struct{ dir, kpkg string }

const receiptAge = 30 * 24 * time.Hour

func openReceipts() receipts {
	dir, err := receiptDir()
	if err != nil {
		return receipts{}
	}
	program, err := os.Executable()
	if err != nil {
		return receipts{}
	}
	info, err := os.Stat(program)
	if err != nil {
		return receipts{}
	}
	return receipts{dir, fmt.Sprintf("%d bytes of %s", info.Size(), info.ModTime().UTC().Format(time.RFC3339Nano))}
}

func receiptDir() (string, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(user, "kpkg", "receipts"), nil
}

func (r receipts) path(id uuid.UUID) string { return filepath.Join(r.dir, id.String()+".json") }

func (r receipts) get(id uuid.UUID) (receipt, bool) {
	var found receipt
	if r.dir == "" {
		return found, false
	}
	data, err := os.ReadFile(r.path(id))
	if err != nil || json.Unmarshal(data, &found) != nil {
		return found, false
	}
	return found, found.Kpkg == r.kpkg
}

func (r receipts) put(id uuid.UUID, made receipt) {
	if r.dir == "" || os.MkdirAll(r.dir, 0o700) != nil {
		return
	}
	made.Kpkg = r.kpkg
	data, err := json.Marshal(made)
	if err != nil {
		return
	}
	// A torn file is not JSON and counts as none.
	_ = os.WriteFile(r.path(id), data, 0o600)
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

// Clean removes what is kept between runs: executables and receipts. It returns where they were and how many bytes that
// freed.
func Clean() (dir string, freed int64, err error) {
	dir, freed, err = gobuild.Clean()
	if err != nil {
		return dir, freed, err
	}
	folder, err := receiptDir()
	if err != nil {
		return dir, freed, err
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return dir, freed, nil
	}
	for _, entry := range entries {
		info, infoErr := entry.Info()
		removeErr := os.RemoveAll(filepath.Join(folder, entry.Name()))
		if infoErr == nil && removeErr == nil {
			freed += info.Size()
		}
		err = errors.Join(err, removeErr)
	}
	if err != nil {
		return dir, freed, fmt.Errorf("cleaning %s: %w", folder, err)
	}
	return dir, freed, nil
}
