// Package zooidtest starts a throw-away agent for tests.
package zooidtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"zooid"
)

const startTimeout = 30 * time.Second

// Agent runs alone, in a directory of its own, until the test is over.
type Agent struct {
	Socket    string
	test      testing.TB
	directory string
	process   *exec.Cmd
}

// Start returns when the agent serves. Its program is $ZOOID_AGENT, else zooid-agent of the PATH. Settings are lines of
// zoo.cfg, added to those that an agent needs.
func Start(t testing.TB, settings ...string) *Agent {
	t.Helper()
	// The names of sockets are short: not below t.TempDir, whose names are long.
	directory, err := os.MkdirTemp("", "zooid-")
	if err != nil {
		t.Fatal(err)
	}
	a := &Agent{Socket: filepath.Join(directory, "sock"), test: t, directory: directory}
	t.Cleanup(a.stop)
	data := filepath.Join(directory, "data")
	lines := append([]string{"tickTime=2000", "dataDir=" + data, "clientPort=0", "clientPortAddress=127.0.0.1",
		"admin.enableServer=false", "zooid.localSocket=" + a.Socket}, settings...)
	config := []byte(strings.Join(lines, "\n") + "\n")
	if err = os.Mkdir(data, 0o700); err == nil {
		err = os.WriteFile(filepath.Join(directory, "zoo.cfg"), config, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.Restart()
	return a
}

// Client of the agent, closed when the test is over.
func (a *Agent) Client() *zooid.Client {
	a.test.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	client, err := zooid.Open(ctx, zooid.Options{Socket: a.Socket})
	if err != nil {
		a.test.Fatal(err)
	}
	a.test.Cleanup(func() { _ = client.Close() })
	return client
}

// Kill ends it as a crash does: nothing is flushed.
func (a *Agent) Kill() {
	if a.process != nil {
		_ = a.process.Process.Kill()
		_ = a.process.Wait()
		a.process = nil
	}
}

// Pause stops its process, as a machine that hangs does, until Continue.
func (a *Agent) Pause() { a.signal(syscall.SIGSTOP) }

// Continue ends a Pause.
func (a *Agent) Continue() { a.signal(syscall.SIGCONT) }

func (a *Agent) signal(signal syscall.Signal) {
	a.test.Helper()
	if a.process == nil {
		a.test.Fatal("the agent does not run")
	}
	if err := a.process.Process.Signal(signal); err != nil {
		a.test.Fatal(err)
	}
}

// Restart goes on with the same data after Kill.
func (a *Agent) Restart() {
	a.test.Helper()
	program := os.Getenv("ZOOID_AGENT")
	if program == "" {
		program = "zooid-agent"
	}
	log, err := os.OpenFile(a.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		a.test.Fatal(err)
	}
	defer log.Close()
	a.process = exec.Command(program, "-c", filepath.Join(a.directory, "zoo.cfg"))
	a.process.Stdout, a.process.Stderr = log, log
	if err := a.process.Start(); err != nil {
		a.process = nil
		a.test.Fatal(err)
	}
	if err := a.serves(); err != nil {
		text, _ := os.ReadFile(a.logPath())
		a.test.Fatalf("the agent does not serve: %v\n%s", err, text)
	}
}

func (a *Agent) logPath() string { return filepath.Join(a.directory, "log") }

func (a *Agent) serves() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	client, err := zooid.Open(ctx, zooid.Options{Socket: a.Socket})
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer client.Close()
	_, err = client.Sync(ctx)
	return err
}

func (a *Agent) stop() {
	if a.process != nil {
		_ = a.process.Process.Signal(syscall.SIGTERM)
		if err := a.process.Wait(); err != nil {
			a.test.Errorf("the agent ended with %v", err)
		}
		a.process = nil
	}
	_ = os.RemoveAll(a.directory)
}
