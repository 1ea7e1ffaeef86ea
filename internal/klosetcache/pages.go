package klosetcache

import (
	"context"

	"modernc.org/sqlite"
)

// pageCache is how many pages each connection to a database keeps, as SQLite's cache_size says it: 2 MiB, SQLite's own default.
// kloset asks for 20 MiB, for each of the several connections to each of its databases. The system's cache of the same files
// does not count as memory of this process.
const pageCache = "PRAGMA cache_size = -2000"

// kloset opens databases of its own beside these caches, for which it can be told nothing. The hook is called for every
// connection of the driver, once its own settings are made.
func init() {
	sqlite.RegisterConnectionHook(func(conn sqlite.ExecQuerierContext, _ string) error {
		_, err := conn.ExecContext(context.Background(), pageCache, nil)
		return err
	})
}
