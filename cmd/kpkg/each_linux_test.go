package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func init() { programs["kpkg-each"] = runEach }

// A ran is what came of one command line.
type ran struct {
	Args   []string
	Status int
	// Out is what it printed on both streams, its first megabytes; Printed is how many bytes that were in all.
	Out     string
	Printed int
	// Served are the bytes of the pages that it served.
	Served int
	// Peak is the most memory that the process, or a plugin, has taken up to then, in KiB.
	Peak int
	Took time.Duration
}

// each runs command lines one after another in one process of their own, which is far cheaper than one for each, and returns
// what came of each of them.
func each(t *testing.T, dir string, lines [][]string) (all []ran) {
	t.Helper()
	input, err := json.Marshal(lines)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "kpkg-each")
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	cmd.Stdin = bytes.NewReader(input)
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	scanner := bufio.NewScanner(bytes.NewReader(out))
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		var r ran
		if err := json.Unmarshal(scanner.Bytes(), &r); err != nil {
			t.Fatalf("%v in %.200q", err, scanner.Text())
		}
		all = append(all, r)
	}
	if err != nil || len(all) != len(lines) {
		next := []string{"none"}
		if len(all) < len(lines) {
			next = lines[len(all)]
		}
		t.Errorf("%v; after %d of %d commands, at kpkg %q\n%.4000s", err, len(all), len(lines), next, &failed)
	}
	return all
}

// runEach is the program that each starts.
func runEach() {
	boundMemory()
	results := os.Stdout
	var lines [][]string
	if err := json.NewDecoder(os.Stdin).Decode(&lines); err != nil {
		panic(err)
	}
	for _, args := range lines {
		r, err := runOne(args)
		if err != nil {
			panic(err)
		}
		data, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(results, "%s\n", data)
	}
	os.Exit(exitOK)
}

func runOne(args []string) (ran, error) {
	printed, err := os.CreateTemp("", "printed")
	if err != nil {
		return ran{}, err
	}
	defer os.Remove(printed.Name())
	defer printed.Close()
	os.Stdout, os.Stderr = printed, printed
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	served := make(chan int, 1)
	if args[0] == "serve" {
		go func() {
			served <- browse(ctx, printed.Name())
			cancel()
		}()
	}
	begun := time.Now()
	r := ran{Args: args, Status: run(ctx, args), Took: time.Since(begun)}
	if args[0] == "serve" {
		cancel()
		r.Served = <-served
	}
	size, err := printed.Seek(0, io.SeekEnd)
	if err != nil {
		return ran{}, err
	}
	begin := make([]byte, min(size, 4<<20))
	_, err = printed.ReadAt(begin, 0)
	r.Printed, r.Out = int(size), string(begin)
	if err != nil {
		return r, err
	}
	// Not what wait4(2) says, which is that of the process that started this one if it had more.
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return r, err
	}
	var plugins syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &plugins); err != nil {
		return r, err
	}
	_, err = fmt.Sscan(string(peak.FindSubmatch(status)[1]), &r.Peak)
	r.Peak = max(r.Peak, int(plugins.Maxrss))
	return r, err
}

var peak = regexp.MustCompile(`VmHWM:\s*(\d+) kB`)

var served = regexp.MustCompile(`http://127\.0\.0\.1:\d+/\w+/`)

// browse follows what the pages of a server lead to, each view once, and returns how many bytes they have.
func browse(ctx context.Context, printed string) (total int) {
	base := ""
	for base == "" {
		select {
		case <-ctx.Done():
			return 0
		case <-time.After(time.Millisecond):
		}
		data, _ := os.ReadFile(printed)
		base = served.FindString(string(data))
	}
	get := func(method, address string) string {
		request, err := http.NewRequestWithContext(ctx, method, address, nil)
		if err != nil {
			return ""
		}
		request.Header.Set("Depth", "1")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return ""
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(response.Body, 16<<20)) // as far as it goes
		total += len(body)
		return string(body)
	}
	host := base[:strings.Index(base[len("http://"):], "/")+len("http://")]
	links := regexp.MustCompile(`href="(/[^"]*)"`)
	seen := map[string]bool{}
	next := []string{base}
	for ; len(next) > 0 && len(seen) < 20; next = next[1:] {
		if seen[next[0]] {
			continue
		}
		seen[next[0]] = true
		for _, link := range links.FindAllStringSubmatch(get(http.MethodGet, next[0]), -1) {
			next = append(next, host+link[1])
		}
	}
	get("PROPFIND", base+"dav/")
	return total
}
