package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/PlakarKorp/kpkg/internal/place"
)

// WritePair draws a pair of keys and writes NAME.sec, which its owner alone can read, and NAME.pub, never over a file that is
// there. Both have the comment, which is the name when it is empty, as their first line.
func WritePair(ctx context.Context, name, comment string, passphrase []byte) (*PublicKey, error) {
	secretFile, publicFile := name+SecretExtension, name+PublicExtension
	for _, file := range []string{secretFile, publicFile} {
		if _, err := os.Lstat(file); err == nil {
			return nil, fmt.Errorf("%s is already there: a key is never replaced; give another name", file)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("looking for %s: %w", file, err)
		}
	}
	if comment == "" {
		comment = filepath.Base(name)
	}
	key, err := GenerateKey()
	if err != nil {
		return nil, err
	}
	key.File = secretFile
	secret, err := key.Marshal(comment+" secret key", passphrase)
	if err != nil {
		return nil, err
	}
	public, err := key.Public().Marshal(comment + " public key")
	if err != nil {
		return nil, err
	}
	if err := writeSecret(secretFile, secret); err != nil {
		return nil, err
	}
	if err := writeNew(ctx, publicFile, public, false); err != nil {
		return nil, errors.Join(err, os.Remove(secretFile)) // of a pair, one half is of no use
	}
	return key.Public(), nil
}

// writeSecret makes the file with its permissions: it is never there with others.
func writeSecret(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing the secret key: %w", err)
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(fmt.Errorf("writing the secret key %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// writeNew makes a file that is there as a whole or not at all; force has it replace one.
func writeNew(ctx context.Context, path string, data []byte, force bool) error {
	write := func(w io.Writer) error {
		if _, err := w.Write(data); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
		return nil
	}
	return place.Written(ctx, path, force, write, func(*os.File, string) error { return nil })
}
