// Package strict refuses a setting of plakar's importer of local files that the importer takes for "false" when it is mistyped.
package strict

import (
	"context"
	"errors"
	"strconv"

	"github.com/PlakarKorp/kloset/connectors/importer"

	"github.com/PlakarKorp/kpkg/sdk"
)

// Importer is the constructor of an importer that leaves out what is mounted below its folder only if it is told to in words that
// it knows.
func Importer(construct importer.ImporterFn) importer.ImporterFn {
	return func(ctx context.Context, opts *sdk.Options, proto string, config map[string]string) (importer.Importer, error) {
		if text, given := config["dont_traverse_fs"]; given {
			if _, err := strconv.ParseBool(text); err != nil {
				return nil, errors.New("dont_traverse_fs is no boolean: write true or false")
			}
		}
		return construct(ctx, opts, proto, config)
	}
}
