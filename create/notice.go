package create

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime/debug"

	"github.com/PlakarKorp/kpkg/executable"
	"github.com/PlakarKorp/kpkg/gobuild"
	"github.com/PlakarKorp/kpkg/internal/modules"
	"github.com/PlakarKorp/kpkg/internal/regular"
	"github.com/PlakarKorp/kpkg/ptarbuild"
)

// maxNotice is how much of an integration's own NOTICE is taken, in bytes.
const maxNotice = 1 << 20

// addNotice puts a NOTICE with the licences of the modules in the executables among the files of a package, in the place of
// the integration's own, with which it begins.
func (i *Integration) addNotice(
	ctx context.Context, platform executable.Platform, files []ptarbuild.File, listed []PackedFile, built map[string]string,
) ([]ptarbuild.File, []PackedFile, error) {
	own, err := ownNotice(i.tree)
	if err != nil {
		return nil, nil, err
	}
	source, err := i.plan.ModuleSource(ctx)
	if err != nil {
		return nil, nil, err
	}
	found, err := i.modulesIn(source, platform, built)
	if err != nil {
		return nil, nil, err
	}
	notice := modules.Notice(own, found)
	file := ptarbuild.FromBytes(modules.NoticeName, notice)
	packed := PackedFile{Name: modules.NoticeName, Size: int64(len(notice))}
	for n := range files {
		if files[n].Name == modules.NoticeName {
			files = append(files[:n], files[n+1:]...)
			break
		}
	}
	kept := []PackedFile{packed}
	for _, one := range listed {
		if one.Name != modules.NoticeName {
			kept = append(kept, one)
		}
	}
	sortByName(kept)
	return append(files, file), kept, nil
}

// ownNotice is the integration's own, nil when it has none.
func ownNotice(tree *os.Root) ([]byte, error) {
	file, err := regular.OpenIn(tree, modules.NoticeName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", modules.NoticeName, err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxNotice+1))
	if err == nil && len(content) > maxNotice {
		err = fmt.Errorf("it is larger than %d bytes", maxNotice)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", modules.NoticeName, err)
	}
	return content, nil
}

// modulesIn lists the modules in executables that are built, or were there.
func (i *Integration) modulesIn(
	source modules.Source, platform executable.Platform, built map[string]string,
) ([]modules.Module, error) {
	var infos []*debug.BuildInfo
	for _, e := range i.plan.Executables {
		var file *os.File
		var err error
		if e.Source == gobuild.Prebuilt {
			file, err = regular.OpenIn(i.tree, platform.FileName(path.Clean(e.Name)))
		} else {
			file, err = os.Open(built[e.Name])
		}
		if err != nil {
			return nil, fmt.Errorf("looking for the modules of %s: %w", e.Name, err)
		}
		binary, err := executable.Inspect(file)
		file.Close()
		if err == nil && binary.Go != nil { // what else it is, verification says
			infos = append(infos, binary.Go)
		}
	}
	return source.Of(infos), nil
}
