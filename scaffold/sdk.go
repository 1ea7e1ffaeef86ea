package scaffold

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"go/format"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"github.com/PlakarKorp/kpkg/schema"
)

//go:generate go run ./internal/generate

// sdkArchive is the SDK as of this kpkg, without its tests.
//
//go:embed sdk.txtar
var sdkArchive []byte

const (
	// sdkFolder is where an integration has its copy of the SDK.
	sdkFolder = "sdk"
	// sdkPath is the import path of the SDK in this repository, which becomes the integration's own.
	sdkPath = "github.com/PlakarKorp/kpkg/sdk"
	// sumsName is the file in sdkFolder with the sums of the others as they were written, as sha256sum has it.
	sumsName = "SHA256SUMS"
	// schemaName is the schema of manifests in sdkFolder, for editors.
	schemaName = "manifest.schema.json"
)

// sdkFiles are the SDK under another import path, the schema of manifests and the sums of all.
func sdkFiles(importPath string) ([]File, error) {
	files := []File{{Path: path.Join(sdkFolder, schemaName), Content: schema.Manifest}}
	for _, f := range txtar.Parse(sdkArchive).Files {
		content := bytes.ReplaceAll(f.Data, []byte(sdkPath), []byte(importPath))
		if path.Ext(f.Name) == ".go" {
			var err error
			if content, err = format.Source(content); err != nil { // imports are sorted by their paths
				return nil, fmt.Errorf("writing %s of the SDK: %w", f.Name, err)
			}
		}
		files = append(files, File{Path: path.Join(sdkFolder, f.Name), Content: content})
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	recorded := sums{}
	for _, f := range files {
		recorded[strings.TrimPrefix(f.Path, sdkFolder+"/")] = sumOf(f.Content)
	}
	return append(files, File{Path: path.Join(sdkFolder, sumsName), Content: recorded.encode()}), nil
}

// sums are SHA-256 sums in hex, by the paths of files.
type sums map[string]string

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func (s sums) encode() []byte {
	var out bytes.Buffer
	for _, name := range sortedKeys(s) {
		fmt.Fprintf(&out, "%s  %s\n", s[name], name)
	}
	return out.Bytes()
}

// parseSums reads what encode writes.
func parseSums(data []byte) (sums, error) {
	s := sums{}
	for number, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		sum, name, found := strings.Cut(strings.TrimSuffix(line, "\r"), "  ")
		if decoded, err := hex.DecodeString(sum); !found || err != nil || len(decoded) != sha256.Size || !isBelow(name) {
			return nil, fmt.Errorf("line %d is not a sum and the name of a file", number+1)
		}
		s[name] = sum
	}
	return s, nil
}

// isBelow tells a path that leads to something in the folder.
func isBelow(name string) bool {
	return name != "" && name != "." && path.Clean("/"+name) == "/"+name && !strings.Contains(name, `\`)
}
