package rig

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Slurm is Debian's batch system with two nodes, n1 and n2, of one processor each, which are this machine, and with an authority (munge)
// of its own. It is to be run by root.
type Slurm struct {
	dir string
	// conf is the variable by which its programs find it.
	conf  string
	peers []*peer // in the order in which they were started
}

// peer is one of its programs.
type peer struct {
	cmd   *exec.Cmd
	log   bytes.Buffer
	ended chan struct{}
}

// slurmConf is the configuration. A job that is put back waits for as long as credentials are valid, five seconds at least; a node that
// was set down stays that until it is told to resume.
const slurmConf = `ClusterName=kpkg
SlurmctldHost=%[2]s(127.0.0.1)
SlurmUser=root
SlurmctldPort=%[3]s
AuthType=auth/munge
AuthInfo=socket=%[1]s/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=%[1]s/state
SlurmdSpoolDir=%[1]s/spool-%%n
SlurmctldPidFile=%[1]s/slurmctld.pid
SlurmdPidFile=%[1]s/slurmd-%%n.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
MpiDefault=none
JobRequeue=1
ReturnToService=0
SchedulerParameters=sched_interval=1,bf_interval=1
KillWait=2
NodeName=n1 NodeHostname=%[2]s NodeAddr=127.0.0.1 Port=%[4]s CPUs=1
NodeName=n2 NodeHostname=%[2]s NodeAddr=127.0.0.1 Port=%[5]s CPUs=1
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`

// StartSlurm starts it, and waits until both nodes can be used.
func StartSlurm(ctx context.Context) (s *Slurm, err error) {
	dir, err := os.MkdirTemp("", "kpkg-slurm-*")
	if err != nil {
		return nil, err
	}
	s = &Slurm{dir: dir, conf: filepath.Join(dir, "slurm.conf")}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	ports := make([]any, 3)
	for i := range ports {
		if ports[i], err = freePort(); err != nil {
			return nil, err
		}
	}
	secret := make([]byte, 1024)
	_, _ = rand.Read(secret) // which never fails
	text := fmt.Sprintf(slurmConf, append([]any{dir, host}, ports...)...)
	key := filepath.Join(dir, "munge.key")
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "state"), 0o700), os.WriteFile(key, secret, 0o400),
		os.WriteFile(s.conf, []byte(text), 0o644)); err != nil {
		return nil, err
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, program := range [][]string{
		{"munged", "--force", "--foreground", "--socket", in("munge.socket"), "--key-file", key, "--pid-file", in("munged.pid"),
			"--log-file", in("munged.log"), "--seed-file", in("munged.seed")},
		{"slurmctld", "-D"}, {"slurmd", "-D", "-N", "n1"}, {"slurmd", "-D", "-N", "n2"},
	} {
		if err := s.start(program); err != nil {
			return nil, err
		}
		if program[0] == "munged" {
			if err := s.until(ctx, "munge answers", func() (bool, error) {
				_, err := os.Stat(in("munge.socket"))
				return err == nil, nil
			}); err != nil {
				return nil, err
			}
		}
	}
	return s, s.until(ctx, "both nodes are idle", func() (bool, error) {
		result, err := s.Run(ctx, dir, nil, "sinfo", "--noheader", "--Node", "--format=%T")
		return strings.Count(result.Stdout, "idle") == 2, err
	})
}

func (s *Slurm) start(program []string) error {
	path, err := findServer(program[0], "slurm-wlm munge")
	if err != nil {
		return err
	}
	p := &peer{cmd: exec.Command(path, program[1:]...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "SLURM_CONF="+s.conf)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.WaitDelay = time.Second // for jobs, which hold the pipe
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", path, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	s.peers = append(s.peers, p)
	return nil
}

// until waits for something, and ends when one of the programs does.
func (s *Slurm) until(ctx context.Context, what string, is func() (bool, error)) error {
	deadline := time.After(answerTimeout)
	for {
		if ok, err := is(); ok || err != nil {
			return err
		}
		for _, p := range s.peers {
			select {
			case <-p.ended:
				return fmt.Errorf("%s ended before %s\n%s", p.cmd.Path, what, &p.log)
			default:
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline:
			return fmt.Errorf("not within %s: %s", answerTimeout, what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Run runs one of Slurm's programs, such as sbatch, in dir.
func (s *Slurm) Run(ctx context.Context, dir string, variables []string, program string, args ...string) (Result, error) {
	return RunIn(ctx, dir, append(variables, "SLURM_CONF="+s.conf), program, args...)
}

// Close ends it, jobs that run included, and removes its folder.
func (s *Slurm) Close() error {
	var errs []error
	for i := len(s.peers) - 1; i >= 0; i-- {
		p := s.peers[i]
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w\n%s", p.cmd.Path, err, &p.log))
		}
		select {
		case <-p.ended:
		case <-time.After(10 * time.Second):
			errs = append(errs, p.cmd.Process.Kill())
			<-p.ended
		}
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}
