package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// GoCache is gocached, a build cache that many machines share. Everybody may write to this one.
type GoCache struct {
	*Server
	client string // go-cacher, which go starts and which asks the server
	debug  string // the address of its metrics
}

// StartGoCache builds both programs into dir, at the version in interop's go.mod, and starts the server.
func StartGoCache(ctx context.Context, dir string) (*GoCache, error) {
	const commands = "github.com/bradfitz/go-tool-cache/cmd/"
	interop := filepath.Join(Root(), "interop")
	server, c := filepath.Join(dir, "gocached"), &GoCache{client: filepath.Join(dir, "go-cacher")}
	err := errors.Join(goBuild(ctx, interop, server, commands+"gocached"), goBuild(ctx, interop, c.client, commands+"go-cacher"))
	if err != nil {
		return nil, err
	}
	c.Server, err = startServer(server, func(dir, port string) ([]string, error) {
		debug, err := freePort()
		c.debug = net.JoinHostPort("127.0.0.1", debug)
		return []string{"-cache-dir", dir, "-listen", net.JoinHostPort("127.0.0.1", port), "-debug-listen", c.debug}, err
	})
	return c, err
}

// Builder is the environment of a machine with nothing but the server: its caches are in dir, Go's own and kpkg's.
func (c *GoCache) Builder(dir string) []string {
	in := func(name string) string { return filepath.Join(dir, name) }
	return []string{
		"GOCACHE=" + in("go"), "XDG_CACHE_HOME=" + in("xdg"),
		"GOCACHEPROG=" + c.client + " -cache-server http://" + c.Address + " -cache-dir " + in("go-cacher"),
	}
}

// CacheCounts are what the server has been asked for and given, from its start on.
type CacheCounts struct {
	Gets, Hits int64
	// Puts are without those of what was there.
	Puts               int64
	GotBytes, PutBytes int64
	CPU                time.Duration // of the server
}

// Less is what came after others.
func (c CacheCounts) Less(before CacheCounts) CacheCounts {
	return CacheCounts{
		c.Gets - before.Gets, c.Hits - before.Hits, c.Puts - before.Puts, c.GotBytes - before.GotBytes, c.PutBytes - before.PutBytes,
		c.CPU - before.CPU,
	}
}

// Counts asks the server.
func (c *GoCache) Counts(ctx context.Context) (CacheCounts, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.debug+"/metrics", nil)
	if err != nil {
		return CacheCounts{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return CacheCounts{}, fmt.Errorf("ask gocached for its counts: %w", err)
	}
	defer response.Body.Close()
	counts := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok {
			counts[name], _ = strconv.ParseFloat(value, 64) // or it is a comment, which is of no interest
		}
	}
	for _, name := range []string{
		"gocached_gets", "gocached_get_hits", "gocached_puts", "gocached_puts_dup", "gocached_get_bytes", "gocached_put_bytes",
		"process_cpu_seconds_total",
	} {
		if _, there := counts[name]; !there {
			return CacheCounts{}, fmt.Errorf("gocached says nothing of its %s: %w", name, lines.Err())
		}
	}
	count := func(name string) int64 { return int64(counts["gocached_"+name]) }
	return CacheCounts{
		Gets: count("gets"), Hits: count("get_hits"), Puts: count("puts") - count("puts_dup"),
		GotBytes: count("get_bytes"), PutBytes: count("put_bytes"),
		CPU: time.Duration(counts["process_cpu_seconds_total"] * float64(time.Second)),
	}, nil
}
