// Command client is the plakar client as far as packages are concerned: its released code behind a main of our own,
// because the released main needs a web interface that does not build everywhere.
//
//	client [at STORE] COMMAND [ARGUMENT...]
//
// It knows the commands pkg add, create, list and rm, and create, backup, restore, ls, check and ptar, with their own
// flags. The passphrase of an encrypted store is PLAKAR_PASSPHRASE. Nothing goes over the network but what a connector does; nothing
// runs on after it has ended; configuration, cache and data are where HOME and the XDG variables say.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"strings"

	"github.com/PlakarKorp/kloset/caching"
	"github.com/PlakarKorp/kloset/caching/pebble"
	"github.com/PlakarKorp/kloset/connectors/storage"
	"github.com/PlakarKorp/kloset/encryption"
	"github.com/PlakarKorp/kloset/logging"
	"github.com/PlakarKorp/kloset/repository"
	"github.com/PlakarKorp/plakar/appcontext"
	"github.com/PlakarKorp/plakar/cached"
	"github.com/PlakarKorp/plakar/cookies"
	"github.com/PlakarKorp/plakar/subcommands"
	"github.com/PlakarKorp/plakar/task"
	"github.com/PlakarKorp/plakar/ui/stdio"
	"github.com/PlakarKorp/plakar/utils"

	_ "github.com/PlakarKorp/plakar/subcommands/backup"
	_ "github.com/PlakarKorp/plakar/subcommands/check"
	_ "github.com/PlakarKorp/plakar/subcommands/create"
	_ "github.com/PlakarKorp/plakar/subcommands/ls"
	_ "github.com/PlakarKorp/plakar/subcommands/pkg"
	_ "github.com/PlakarKorp/plakar/subcommands/ptar"
	_ "github.com/PlakarKorp/plakar/subcommands/restore"

	// The protocols that the released client has built in, and that packages must therefore leave alone.
	_ "github.com/PlakarKorp/integrations/fs/exporter"
	_ "github.com/PlakarKorp/integrations/fs/importer"
	_ "github.com/PlakarKorp/integrations/fs/storage"
	_ "github.com/PlakarKorp/integrations/http/storage"
	_ "github.com/PlakarKorp/integrations/ptar/storage"
	_ "github.com/PlakarKorp/integrations/stdio/exporter"
	_ "github.com/PlakarKorp/integrations/stdio/importer"
	_ "github.com/PlakarKorp/integrations/tar/importer"
)

func main() {
	status, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "client: %s\n", err)
		status = max(status, 1)
	}
	os.Exit(status)
}

func run(args []string) (status int, err error) {
	var location string
	if len(args) > 1 && args[0] == "at" {
		location, args = args[1], args[2:]
	}
	command, _, args := subcommands.Lookup(args)
	if command == nil {
		return 2, fmt.Errorf("unknown command: %q", os.Args[1:])
	}

	ctx, err := newContext()
	if err != nil {
		return 1, err
	}
	defer ctx.Close()
	if err := loadPackages(ctx); err != nil {
		return 1, err
	}

	var repo *repository.Repository
	if command.GetFlags()&subcommands.BeforeRepositoryOpen == 0 {
		if ctx.StoreConfig, err = ctx.Config.GetRepository(location); err != nil {
			return 1, err
		}
		if command.GetFlags()&subcommands.BeforeRepositoryWithStorage != 0 {
			repo, err = repository.Inexistent(ctx.GetInner(), ctx.StoreConfig)
		} else {
			repo, err = openStore(ctx)
		}
		if err != nil {
			return 1, err
		}
		defer repo.Close()
	}

	if err := command.Parse(ctx, args); err != nil {
		return 2, err
	}
	return task.RunCommand(ctx, command, repo, "")
}

// newContext is what the client's commands find around them.
func newContext() (*appcontext.AppContext, error) {
	const name = "plakar"
	dirs := make([]string, 3)
	for i, dir := range []func(string) (string, error){utils.GetConfigDir, utils.GetCacheDir, utils.GetDataDir} {
		var err error
		if dirs[i], err = dir(name); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(dirs[i], 0o700); err != nil {
			return nil, err
		}
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	who, err := user.Current()
	if err != nil {
		return nil, err
	}

	ctx := appcontext.NewAppContext()
	ctx.ConfigDir, ctx.CacheDir = dirs[0], dirs[1]
	ctx.CWD = cwd
	ctx.Client = name + "/" + utils.GetVersion()
	ctx.OperatingSystem = runtime.GOOS
	ctx.Architecture = runtime.GOARCH
	ctx.Hostname = "interop"
	ctx.Username = who.Username
	ctx.CommandLine = strings.Join(os.Args, " ")
	ctx.ProcessID = os.Getpid()
	ctx.KeyFromFile = os.Getenv("PLAKAR_PASSPHRASE")
	ctx.MaxConcurrency = max(runtime.GOMAXPROCS(0)-1, 1)
	ctx.SetCookies(cookies.NewManager(ctx.CacheDir))
	ctx.SetCache(caching.NewManager(pebble.Constructor(ctx.CacheDir)))

	renderer := stdio.New(ctx)
	if err := renderer.Run(); err != nil {
		return nil, err
	}
	logger := logging.NewLogger(renderer.Stdout(), renderer.Stderr())
	logger.EnableInfo()
	ctx.SetLogger(logger)
	return ctx, ctx.ReloadConfig()
}

// openStore opens an existing store and brings its cached state up to date, as the client does before most commands.
func openStore(ctx *appcontext.AppContext) (*repository.Repository, error) {
	store, config, err := storage.Open(ctx.GetInner(), ctx.StoreConfig)
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", ctx.StoreConfig["location"], err)
	}
	if err := unlock(ctx, config); err != nil {
		return nil, err
	}
	repo, err := repository.NewNoRebuild(ctx.GetInner(), ctx.GetSecret(), store, config, true)
	if err != nil {
		return nil, err
	}
	if err := serveState(ctx); err != nil {
		return nil, err
	}
	_, err = cached.RebuildStateFromStore(ctx, repo.Configuration().RepositoryID, ctx.StoreConfig, false)
	return repo, err
}

// unlock derives the key of an encrypted store from its passphrase.
func unlock(ctx *appcontext.AppContext, serialized []byte) error {
	config, err := storage.NewConfigurationFromWrappedBytes(serialized)
	if err != nil || config.Encryption == nil {
		return err
	}
	key, err := encryption.DeriveKey(config.Encryption.KDFParams, []byte(os.Getenv("PLAKAR_PASSPHRASE")))
	if err != nil {
		return err
	}
	if !encryption.VerifyCanary(config.Encryption, key) {
		return errors.New("the passphrase does not unlock the store")
	}
	ctx.SetSecret(key)
	return nil
}
