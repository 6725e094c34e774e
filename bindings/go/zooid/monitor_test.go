package zooid_test

import (
	"crypto/sha1"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"zooid"
	"zooid/zooidtest"
)

// reload makes the agent write a line.
func reload(t *testing.T, a *zooidtest.Agent) {
	t.Helper()
	log := must[[]byte](t)(os.ReadFile(filepath.Join(filepath.Dir(a.Socket), "log")))
	serving := regexp.MustCompile(`serving: .* pid (\d+)`).FindSubmatch(log)
	check(t, serving != nil)
	pid := must[int](t)(strconv.Atoi(string(serving[1])))
	check(t, syscall.Kill(pid, syscall.SIGHUP) == nil)
}

func TestTheLogIsAChannel(t *testing.T) {
	a := zooidtest.Start(t)
	m := must[*zooid.Monitor](t)(a.Client().Monitor(ctx, "info"))
	for told := false; !told; {
		reload(t, a)
		select {
		case line := <-m.Lines():
			check(t, strings.Contains(line.Text, "settings: nothing has changed") && line.Missed == 0, line)
			told = true
		case <-time.After(200 * time.Millisecond):
		}
	}
	check(t, m.Close() == nil && m.Close() == nil)
	for range m.Lines() {
	}
	check(t, m.Err() == nil)
}

func TestALevelThatThereIsNot(t *testing.T) {
	m := must[*zooid.Monitor](t)(zooidtest.Start(t).Client().Monitor(ctx, "loud"))
	_, open := <-m.Lines()
	check(t, !open && m.Err() != nil, m.Err())
}

func TestASubscriptionIsLoggedInAsItsClientIs(t *testing.T) {
	a := zooidtest.Start(t)
	c, other := a.Client(), a.Client()
	check(t, c.AddAuth(ctx, "digest", []byte("ann:secret")) == nil)
	digest := sha1.Sum([]byte("ann:secret"))
	id := "ann:" + base64.StdEncoding.EncodeToString(digest[:])
	hers := zooid.ACL{Perms: zooid.PermAll, Scheme: "digest", ID: id}
	must[string](t)(c.Create(ctx, "/hers", nil, zooid.WithACL(hers)))
	for of, wanted := range map[*zooid.Client][]zooid.Change{
		c: {zooid.Reset, zooid.Present, zooid.CaughtUp}, other: {zooid.Reset, zooid.CaughtUp}} {
		s := must[*zooid.Subscription](t)(of.Subscribe(ctx, "/hers"))
		for _, change := range wanted {
			check(t, (<-s.Updates()).Change == change)
		}
		check(t, s.Close() == nil)
	}
}
