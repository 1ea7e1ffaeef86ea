package executable

import (
	"fmt"
	"os"
)

// PlatformOf says for which platform the executable at path is: this machine's if it runs here, as scripts do that run
// anywhere. The error says that the file does not tell, or why it cannot be read.
func PlatformOf(path string) (Platform, error) {
	f, err := os.Open(path)
	if err != nil {
		return Platform{}, err
	}
	defer f.Close()
	binary, err := Inspect(f)
	switch {
	case err != nil:
		return Platform{}, fmt.Errorf("%s: %w", path, err)
	case binary.Runs(Host()):
		return Host(), nil
	case binary.OS == "" || binary.Arch == "":
		return Platform{}, fmt.Errorf("%s does not say for which platform it is", path)
	}
	return Platform{binary.OS, binary.Arch}, nil
}
