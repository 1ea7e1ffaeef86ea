package interop

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PlakarKorp/kpkg/interop/rig"
)

// TestSlurm has the array of docs/ci/slurm.sh make a release in eight parts on two nodes, one of which is set down while it works. The set
// is complete, and the bytes are those that one machine makes.
func TestSlurm(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	began := time.Now()
	step := func(what string) {
		t.Logf("%6.1f s: %s", time.Since(began).Seconds(), what)
	}
	s := newStory(t)
	args := slurmSource(t, s)
	step("the source is there")
	slurm, err := rig.StartSlurm(ctx)
	if err != nil {
		t.Fatal(err)
	}
	step("both nodes are idle")
	t.Cleanup(func() {
		if err := slurm.Close(); err != nil {
			t.Error(err)
		}
		step("slurm has ended")
	})

	// What the script takes for kpkg is the program under test.
	env := []string{"PATH=" + filepath.Dir(tools.Kpkg) + ":" + os.Getenv("PATH"), "PARTS=" + s.at("parts")}
	run := func(program string, args ...string) rig.Result {
		t.Helper()
		result, err := slurm.Run(ctx, s.at("source"), env, program, args...)
		if err != nil || result.Status != 0 {
			t.Fatalf("%s %q: %v, %v", program, args, err, result)
		}
		return result
	}
	script := filepath.Join(rig.Root(), "docs", "ci", "slurm.sh")
	run("sbatch", append([]string{"--output=" + s.at("log-%a"), script}, args...)...)
	// Down, as soon as it has something to do, until it was taken away.
	onSecond := func() string {
		running := regexp.MustCompile(`(?m)^\d+_(\d+) n2$`)
		if found := running.FindStringSubmatch(run("squeue", "--noheader", "--states=RUNNING", "--format=%i %N").Stdout); found != nil {
			return found[1]
		}
		return ""
	}
	taken := ""
	for ; taken == ""; time.Sleep(20 * time.Millisecond) {
		taken = onSecond()
	}
	run("scontrol", "update", "nodename=n2", "state=DOWN", "reason=interop")
	for onSecond() != "" {
		time.Sleep(20 * time.Millisecond)
	}
	run("scontrol", "update", "nodename=n2", "state=RESUME")
	step("n2 was down")
	// What was taken from n2 may begin again in six seconds: the time for the release that one machine makes.
	release := func(more ...string) {
		run(tools.Kpkg, slices.Concat([]string{"release", "--key", s.at("acme.sec")}, args, more)...)
	}
	release("--out-dir", s.at("one"))
	step("one machine has made all")
	for run("squeue", "--noheader").Stdout != "" {
		time.Sleep(50 * time.Millisecond)
	}
	step("the queue is empty")
	jobs := run("scontrol", "show", "jobs", "--oneliner").Stdout
	if strings.Count(jobs, "JobState=COMPLETED") != 8 || !regexp.MustCompile(`ArrayTaskId=`+taken+` .*Requeue=1 Restarts=1 `).MatchString(jobs) {
		logs, _ := exec.CommandContext(ctx, "sh", "-c", "tail -n 20 "+s.at("log-*")).CombinedOutput()
		t.Fatalf("task %s was taken from its node, and the tasks are\n%s\n%s", taken, jobs, logs)
	}

	release("--finish", s.at("parts"), "--out-dir", s.at("whole"))
	step("the parts are put together")
	out, err := exec.CommandContext(ctx, "diff", "-r", s.at("one"), s.at("whole")).CombinedOutput()
	if err != nil {
		t.Errorf("the parts together are not what one machine makes: %v\n%s", err, out)
	}
	if packages, err := filepath.Glob(s.at("whole/*/*.ptar")); err != nil || len(packages) != 8 {
		t.Errorf("there are %d packages, %v", len(packages), err)
	}
}

// slurmSource writes a repository of eight integrations, and returns the arguments that release them.
func slurmSource(t *testing.T, s *story) []string {
	t.Helper()
	s.put("source/go.mod", "module example.org/x\n\ngo 1.26\n")
	args := []string{}
	for i := range 8 {
		name := fmt.Sprintf("x%d", i)
		s.put("source/"+name+"/manifest.yaml", fmt.Sprintf("name: %s\ndisplay_name: X\ndescription: of %[1]s\nlicense: ISC\n"+
			"connectors:\n- {type: importer, executable: importer, protocols: [%[1]s]}\nbuild: {platforms: [%s/%s]}\n", name, runtime.GOOS, runtime.GOARCH))
		s.put("source/"+name+"/plugin/importer/main.go", "package main\n\nfunc main() { println(\""+name+"\") }\n")
		s.put("source/"+name+"/README.md", "# X\n")
		s.put("source/"+name+"/LICENSE", "ISC\n")
		args = append(args, name)
	}
	for _, line := range []string{"init -q -b main", "add .", "commit -q -m all", "tag v1.0.0"} {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.org"}, strings.Fields(line)...)...)
		cmd.Dir = s.at("source")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", line, err, out)
		}
	}
	args = append(args, "v1.0.0", "--repository", "https://example.org/x")
	for i := range 8 {
		args = append(args, "--skip-test", fmt.Sprintf("importer:x%d", i))
	}
	return args
}
