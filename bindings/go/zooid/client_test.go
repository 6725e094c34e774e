package zooid_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"zooid"
	"zooid/zooidtest"
)

var ctx = context.Background()

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func check(t *testing.T, is bool, what ...any) {
	t.Helper()
	if !is {
		t.Fatal(append([]any{"not so:"}, what...)...)
	}
}

func TestNodesAreMadeReadAndDeleted(t *testing.T) {
	c := zooidtest.Start(t).Client()
	check(t, must[string](t)(c.Create(ctx, "/a", []byte("one"))) == "/a")
	node := must[*zooid.Node](t)(c.Get(ctx, "/a"))
	check(t, node.Path == "/a" && string(node.Data) == "one" && node.Stat.DataLength == 3 && node.Zxid > 0, node)
	check(t, time.Since(node.Stat.Ctime) < time.Hour, node.Stat.Ctime)
	stat := must[*zooid.Stat](t)(c.Set(ctx, "/a", nil, node.Stat.Version))
	check(t, stat.Version == 1 && must[*zooid.Node](t)(c.Get(ctx, "/a", zooid.Latest())).Data == nil)
	check(t, must[*zooid.Stat](t)(c.Exists(ctx, "/a")).Mzxid == c.LastZxid())
	check(t, c.Delete(ctx, "/a", 1) == nil && must[*zooid.Stat](t)(c.Exists(ctx, "/a")) == nil)
	big := bytes.Repeat([]byte("x"), 500000)
	must[string](t)(c.Create(ctx, "/big", big))
	check(t, bytes.Equal(must[*zooid.Node](t)(c.Get(ctx, "/big")).Data, big))
}

func TestKindsOfNodes(t *testing.T) {
	c := zooidtest.Start(t).Client()
	check(t, must[string](t)(c.Create(ctx, "/s-", nil, zooid.Sequential())) == "/s-0000000000")
	must[string](t)(c.Create(ctx, "/e", nil, zooid.Ephemeral()))
	check(t, must[*zooid.Stat](t)(c.Exists(ctx, "/e")).EphemeralOwner == c.SessionID() && c.SessionID() != 0)
	check(t, c.SessionState() == zooid.SessionGood)
	check(t, reflect.DeepEqual(must[[]string](t)(c.Ephemerals(ctx, "/")), []string{"/e"}))
	must[string](t)(c.Create(ctx, "/c", nil, zooid.Container()))
	for path, kind := range map[string]zooid.Kind{
		"/": zooid.KindPersistent, "/e": zooid.KindEphemeral, "/c": zooid.KindContainer,
	} {
		check(t, must[*zooid.Node](t)(c.Get(ctx, path)).Stat.Kind == kind, path)
	}
	_, err := c.Create(ctx, "/e/child", nil)
	check(t, errors.Is(err, zooid.NoChildrenForEphemerals), err)
	_, err = c.Create(ctx, "/both", nil, zooid.Ephemeral(), zooid.Container())
	check(t, errors.Is(err, zooid.BadArguments), err)
	check(t, c.CloseSession(ctx) == nil && must[*zooid.Stat](t)(c.Exists(ctx, "/e")) == nil)
}

func TestTrees(t *testing.T) {
	c := zooidtest.Start(t).Client()
	check(t, c.EnsurePath(ctx, "/t/a/b") == nil && c.EnsurePath(ctx, "/t/a/b") == nil)
	for i := 0; i < 5; i++ {
		must[string](t)(c.Create(ctx, fmt.Sprint("/t/", i), []byte(fmt.Sprint(i))))
	}
	check(t, strings.Join(must[[]string](t)(c.List(ctx, "/t")), " ") == "0 1 2 3 4 a")
	page := must[*zooid.Children](t)(c.ListPage(ctx, "/t", "1", 3))
	check(t, reflect.DeepEqual(page.Names, []string{"2", "3", "4"}) && !page.Complete && page.Stat.NumChildren == 6, page)
	check(t, string(must[[]zooid.Node](t)(c.ListNodes(ctx, "/t"))[4].Data) == "4")
	check(t, must[[]zooid.Node](t)(c.Subtree(ctx, "/t/a"))[1].Path == "/t/a/b")
	check(t, len(must[[]zooid.Node](t)(c.Subtree(ctx, "/t", zooid.Depth(1), zooid.WithoutData()))) == 7)
	check(t, must[uint64](t)(c.CountDescendants(ctx, "/t")) == 7)
	found := must[[]*zooid.Node](t)(c.ReadMany(ctx, []string{"/t/1", "/none", "/t"}, zooid.WithChildren()))
	check(t, string(found[0].Data) == "1" && found[1] == nil && found[2].Path == "/t", found)
	check(t, len(found[2].Children) == 6, found[2])
	check(t, c.DeleteRecursive(ctx, "/t") == nil && c.DeleteRecursive(ctx, "/t") == nil)
	check(t, reflect.DeepEqual(must[[]string](t)(c.List(ctx, "/")), []string{"zookeeper"}))
}

func TestMultiIsAllOrNothing(t *testing.T) {
	c := zooidtest.Start(t).Client()
	results := must[[]zooid.Result](t)(c.Multi(ctx, zooid.CreateOp("/m", nil), zooid.SetOp("/m", []byte("x"), 0),
		zooid.CheckOp("/m", 1)))
	check(t, results[0].Path == "/m" && results[1].Stat.Version == 1 && results[2].Err == nil, results)
	_, err := c.Multi(ctx, zooid.DeleteOp("/m", zooid.AnyVersion), zooid.CheckOp("/", 4711))
	var failed *zooid.Error
	check(t, errors.Is(err, zooid.BadVersion) && errors.As(err, &failed), err)
	check(t, failed.Results[0].Err == nil && errors.Is(failed.Results[1].Err, zooid.BadVersion), failed.Results)
	check(t, must[*zooid.Stat](t)(c.Exists(ctx, "/m")) != nil)
	_, err = c.Multi(ctx, zooid.CreateOp("/zero\x00", nil))
	check(t, errors.Is(err, zooid.BadArguments), err)
}

func TestAccessLists(t *testing.T) {
	c := zooidtest.Start(t).Client()
	readers := zooid.ACL{Perms: zooid.PermRead | zooid.PermAdmin, Scheme: "world", ID: "anyone"}
	must[string](t)(c.Create(ctx, "/acl", nil, zooid.WithACL(readers)))
	check(t, reflect.DeepEqual(must[[]zooid.ACL](t)(c.GetACL(ctx, "/acl")), []zooid.ACL{readers}))
	_, err := c.Set(ctx, "/acl", nil, zooid.AnyVersion)
	check(t, errors.Is(err, zooid.NoAuth) && errors.Is(err, fs.ErrPermission), err)
	must[*zooid.Stat](t)(c.SetACL(ctx, "/acl", []zooid.ACL{zooid.OpenACL}, 0))
	check(t, c.AddAuth(ctx, "digest", []byte("ann:secret")) == nil)
	check(t, strings.Contains(strings.Join(must[[]string](t)(c.WhoAmI(ctx)), " "), "digest:ann"))
}

func TestErrors(t *testing.T) {
	c := zooidtest.Start(t).Client()
	_, err := c.Get(ctx, "/none")
	var failed *zooid.Error
	check(t, errors.Is(err, zooid.NoNode) && errors.Is(err, fs.ErrNotExist) && errors.As(err, &failed), err)
	check(t, failed.Code.Name() == "NO_NODE" && failed.Path == "/none" && !failed.Retry && !failed.OutcomeUnknown)
	check(t, err.Error() == "zooid: /none: no such node" && !errors.Is(err, zooid.NodeExists), err)
	_, err = c.Get(ctx, "/zero\x00byte")
	check(t, errors.Is(err, zooid.BadArguments), err)
	_, err = c.Get(ctx, "/", zooid.IfChangedSince(c.LastZxid()+1))
	check(t, errors.Is(err, zooid.BadArguments) || errors.Is(err, zooid.NotChanged), err)
	_, err = c.Create(ctx, "/zookeeper", nil)
	check(t, errors.Is(err, fs.ErrExist), err)
	must[zooid.State](t)(c.Sync(ctx))
}

func TestEveryCodeIsThatOfTheLibrary(t *testing.T) {
	for code := zooid.Code(-2000); code < 0; code++ {
		name, listed := code.Name(), zooid.CodeNames[code]
		check(t, name == listed || name == "UNKNOWN" && listed == "", int(code), name, listed)
	}
}

func TestContexts(t *testing.T) {
	c := zooidtest.Start(t).Client()
	cancelled, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	go func() {
		_, err := c.WaitFor(cancelled, 1<<40)
		ended <- err
	}()
	cancel()
	err := <-ended
	check(t, errors.Is(err, context.Canceled) && errors.Is(err, zooid.Cancelled), err)
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	_, err = c.Get(short, "/", zooid.AtLeast(1<<40))
	check(t, errors.Is(err, zooid.Stale) || errors.Is(err, context.DeadlineExceeded), err)
	_, err = c.Get(cancelled, "/")
	check(t, errors.Is(err, context.Canceled), err)
	_, err = zooid.Open(cancelled, zooid.Options{})
	check(t, errors.Is(err, context.Canceled), err)
}

func TestTheWatchdogEndsTheSession(t *testing.T) {
	agent := zooidtest.Start(t)
	other := agent.Client()
	c := must[*zooid.Client](t)(zooid.Open(ctx, zooid.Options{Socket: agent.Socket, Watchdog: 500 * time.Millisecond}))
	defer c.Close()
	w := must[*zooid.Stream](t)(other.Watch(ctx, "/silent"))
	must[string](t)(c.Create(ctx, "/silent", nil, zooid.Ephemeral()))
	expect(t, w, zooid.Event{Change: zooid.Created, Path: "/silent"}, zooid.Event{Change: zooid.Deleted, Path: "/silent"})
}

func TestABackupGoesIntoAFile(t *testing.T) {
	c := zooidtest.Start(t).Client()
	must[string](t)(c.Create(ctx, "/backed-up", make([]byte, 100000)))
	file := must[*os.File](t)(os.CreateTemp(t.TempDir(), "backup"))
	defer file.Close()
	zxid, nodes, err := c.Backup(ctx, file)
	check(t, err == nil && zxid == c.LastZxid() && nodes >= 5, zxid, nodes, err)
	data := must[[]byte](t)(os.ReadFile(file.Name()))
	check(t, len(data) > 100000 && string(data[:4]) == "ZKSN", len(data))
}

func TestWithoutAnAgent(t *testing.T) {
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err := zooid.Open(short, zooid.Options{Socket: "/nowhere/zooid.sock"})
	var failed *zooid.Error
	check(t, errors.Is(err, zooid.ConnectionLost) && errors.As(err, &failed) && failed.Retry, err)
}

// An agent that does not answer is not waited for by who has given up.
func TestCancellingEndsOpeningAndBackups(t *testing.T) {
	agent := zooidtest.Start(t)
	c := agent.Client()
	file := must[*os.File](t)(os.CreateTemp(t.TempDir(), "backup"))
	defer file.Close()
	agent.Pause()
	defer agent.Continue()
	for name, do := range map[string]func(context.Context) error{
		"open": func(ctx context.Context) error {
			_, err := zooid.Open(ctx, zooid.Options{Socket: agent.Socket})
			return err
		},
		"backup": func(ctx context.Context) error { _, _, err := c.Backup(ctx, file); return err },
	} {
		waiting, cancel := context.WithCancel(ctx)
		ended := make(chan error)
		go func() { ended <- do(waiting) }()
		cancel()
		err := <-ended
		check(t, errors.Is(err, context.Canceled), name, err)
	}
}

func TestClosingSendsHomeWhoWaits(t *testing.T) {
	c := zooidtest.Start(t).Client()
	ended := make(chan error)
	waitForever := func(wait context.Context) {
		_, err := c.WaitFor(wait, 1<<40)
		ended <- err
	}
	cancellable, cancel := context.WithCancel(ctx)
	defer cancel()
	go waitForever(ctx)
	go waitForever(cancellable)
	events := c.Events()
	check(t, c.Close() == nil && c.Close() == nil)
	for i := 0; i < 2; i++ {
		err := <-ended
		check(t, errors.Is(err, zooid.Closed) && errors.Is(err, net.ErrClosed), err)
	}
	for range events.Events() { // comes to its end
	}
	_, err := c.Get(ctx, "/")
	check(t, errors.Is(err, zooid.Closed), err)
	_, err = c.Watch(ctx, "/")
	check(t, errors.Is(err, zooid.Closed), err)
	check(t, c.SessionID() == 0 && c.SessionState() == zooid.SessionLost)
}

func TestGoroutinesShareAClient(t *testing.T) {
	c := zooidtest.Start(t).Client()
	must[string](t)(c.Create(ctx, "/n", []byte("0")))
	var wait sync.WaitGroup
	for i := 0; i < 16; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for j := 0; j < 200; j++ {
				if node, err := c.Get(ctx, "/n"); err != nil || string(node.Data) != "0" {
					t.Error(node, err)
				}
			}
		}()
	}
	wait.Wait()
}

func TestLoginsAndCommands(t *testing.T) {
	agent := zooidtest.Start(t)
	logged := make(chan string, 64)
	c := must[*zooid.Client](t)(zooid.Open(ctx, zooid.Options{Socket: agent.Socket, LoginsMax: 1,
		Log: func(level, line string) { logged <- level + line }}))
	defer c.Close()
	c.SetEventLimit(1000)
	var stats struct{ Command string }
	answer := must[[]byte](t)(c.Command(ctx, "server_stats"))
	check(t, json.Unmarshal(answer, &stats) == nil && stats.Command == "server_stats", string(answer))
	_, err := c.Command(ctx, "nothing")
	check(t, err != nil && zooid.Version() != "")
	check(t, c.AddAuth(ctx, "digest", []byte("ann:a")) == nil && c.AddAuth(ctx, "digest", []byte("bob:b")) == nil)
	for line := range logged {
		if strings.Contains(line, "will not outlive") {
			break
		}
	}
	agent.Kill()
	agent.Restart()
	names := 0
	for _, identity := range must[[]string](t)(c.WhoAmI(ctx)) {
		if strings.HasPrefix(identity, "digest:") {
			names++
		}
	}
	check(t, names == 1, names)
}

func TestTheSessionOutlivesTheAgent(t *testing.T) {
	agent := zooidtest.Start(t)
	c := agent.Client()
	must[string](t)(c.Create(ctx, "/mine", nil, zooid.Ephemeral()))
	session, events := c.SessionID(), c.Events()
	agent.Kill()
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_, err := c.Get(short, "/")
	check(t, err != nil)
	agent.Restart()
	check(t, must[*zooid.Node](t)(c.Get(ctx, "/mine")).Stat.EphemeralOwner == session && c.SessionID() == session)
	for event := range events.Events() {
		if event.Change == zooid.SessionChanged && event.Session == zooid.SessionSuspended {
			break
		}
	}
	check(t, (<-events.Events()).Session == zooid.SessionGood)
}

func TestLog(t *testing.T) {
	agent := zooidtest.Start(t)
	lines := make(chan string, 100)
	c := must[*zooid.Client](t)(zooid.Open(ctx, zooid.Options{Socket: agent.Socket, Log: func(level, line string) {
		lines <- level + " " + line
	}}))
	check(t, strings.HasPrefix(<-lines, "info connected to zooid-agent"))
	check(t, c.Close() == nil)
}

func residentKB(t *testing.T) int {
	var size, resident int
	text := must[[]byte](t)(os.ReadFile("/proc/self/statm"))
	_ = must[int](t)(fmt.Sscan(string(text), &size, &resident))
	return resident * os.Getpagesize() / 1024
}

// A hundred thousand operations leave nothing behind, where a leak of ten bytes each would be seen.
func TestNothingLeaks(t *testing.T) {
	c := zooidtest.Start(t).Client()
	must[string](t)(c.Create(ctx, "/leak", make([]byte, 100)))
	cancellable, cancel := context.WithCancel(ctx)
	defer cancel()
	work := func(rounds int) {
		for i := 0; i < rounds; i++ {
			for _, how := range []context.Context{ctx, cancellable} {
				must[*zooid.Node](t)(c.Get(how, "/leak", zooid.MaxAge(time.Minute)))
				must[[]string](t)(c.List(how, "/"))
				must[[]*zooid.Node](t)(c.ReadMany(how, []string{"/leak", "/none"}))
				must[[]zooid.ACL](t)(c.GetACL(how, "/leak"))
				_, err := c.Get(how, "/none")
				check(t, errors.Is(err, zooid.NoNode))
			}
		}
	}
	work(2000)
	before := residentKB(t)
	work(10000)
	check(t, residentKB(t)-before < 4096, residentKB(t)-before, "KB more")
}
