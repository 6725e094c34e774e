package zooid_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"zooid"
	"zooid/zooidtest"
)

// TestHolder is no test: run by the one below as a process of its own, it has a session, a lock and an ephemeral node
// until it is killed.
func TestHolder(t *testing.T) {
	socket := os.Getenv("ZOOID_TEST_HOLDER")
	if socket == "" {
		return
	}
	c := must[*zooid.Client](t)(zooid.Open(ctx, zooid.Options{Socket: socket, Linger: 10 * time.Minute}))
	must[string](t)(c.Create(ctx, "/restarted", nil, zooid.Ephemeral()))
	lock := must[*zooid.Lock](t)(c.NewLock("/restarted-lock", ""))
	check(t, lock.Acquire(ctx) == nil)
	key := c.SessionKey()
	fmt.Println(key.ID, hex.EncodeToString(key.Token), lock.Token())
	select {}
}

func killedHolder(t *testing.T, socket string) (key zooid.SessionKey, fence uint64) {
	process := exec.Command(os.Args[0], "-test.run=^TestHolder$")
	process.Env = append(os.Environ(), "ZOOID_TEST_HOLDER="+socket)
	output := must[io.ReadCloser](t)(process.StdoutPipe())
	check(t, process.Start() == nil)
	var token string
	if _, err := fmt.Fscan(output, &key.ID, &token, &fence); err != nil {
		t.Fatal(err)
	}
	key.Token = must[[]byte](t)(hex.DecodeString(token))
	check(t, process.Process.Kill() == nil && process.Wait() != nil)
	return key, fence
}

func TestARestartedProcessTakesItsSessionOver(t *testing.T) {
	agent := zooidtest.Start(t)
	key, fence := killedHolder(t, agent.Socket)
	other := agent.Client()
	waiting := must[*zooid.Lock](t)(other.NewLock("/restarted-lock", ""))
	c := must[*zooid.Client](t)(zooid.Open(ctx, zooid.Options{Socket: agent.Socket, Resume: key}))
	lock := must[*zooid.Lock](t)(c.NewLock("/restarted-lock", ""))
	check(t, lock.Acquire(ctx) == nil && lock.Token() == fence && c.SessionID() == key.ID)
	check(t, must[*zooid.Stat](t)(c.Exists(ctx, "/restarted")).EphemeralOwner == key.ID && c.SessionKey().ID == key.ID)
	check(t, lock.Release(ctx) == nil && waiting.Acquire(ctx) == nil && waiting.Token() > fence)
	check(t, c.Close() == nil) // it has no linger: the session ends with it
	must[zooid.State](t)(other.Sync(ctx))
	check(t, must[*zooid.Stat](t)(other.Exists(ctx, "/restarted")) == nil)
	c = must[*zooid.Client](t)(zooid.Open(ctx, zooid.Options{Socket: agent.Socket, Resume: key}))
	defer c.Close()
	must[string](t)(c.Create(ctx, "/too-late", nil)) // in another session
	check(t, c.SessionID() != 0 && c.SessionID() != key.ID)
}
