// Shows that the Go client packaged in Debian works with a server: go-client HOST:PORT
//
// One line on standard output for each thing shown. The line "restart" asks whoever started us to kill the server and
// start it again, and is answered with a line on standard input. Ends with exit code 1 at the first thing not so.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/samuel/go-zookeeper/zk"
)

const deadline = 30 * time.Second

var openACL = zk.WorldACL(zk.PermAll)

// session is a connection whose states can be waited for.
type session struct {
	*zk.Conn
	events <-chan zk.Event
}

type silent struct{}

func (silent) Printf(string, ...interface{}) {}

func demand(isSo bool, what string, details ...interface{}) {
	if !isSo {
		fmt.Println("not so:", what, details)
		os.Exit(1)
	}
}

func succeed(what string, err error) {
	demand(err == nil, what, err)
}

func open(address string) session {
	// The channel that Connect returns drops what does not fit into it.
	events := make(chan zk.Event, 1000)
	conn, _, err := zk.Connect([]string{address}, 30*time.Second, zk.WithLogger(silent{}),
		zk.WithEventCallback(func(event zk.Event) { events <- event }))
	succeed("connect", err)
	opened := session{conn, events}
	opened.awaitState(zk.StateHasSession)
	return opened
}

func (s session) awaitState(wanted zk.State) {
	timeout := time.After(deadline)
	for {
		select {
		case event := <-s.events:
			demand(event.State != zk.StateExpired, "session lives")
			if event.State == wanted {
				return
			}
		case <-timeout:
			demand(false, "state", wanted)
		}
	}
}

func await(watch <-chan zk.Event, wanted zk.EventType, path string) {
	select {
	case event := <-watch:
		demand(event.Type == wanted && event.Path == path, "event", wanted, path, event)
	case <-time.After(deadline):
		demand(false, "event in time", wanted, path)
	}
}

func showsNodes(c session) {
	path, err := c.Create("/g", []byte("one"), 0, openACL)
	demand(err == nil && path == "/g", "create", err)
	_, err = c.Create("/g", nil, 0, openACL)
	demand(err == zk.ErrNodeExists, "NodeExists", err)
	path, err = c.Create("/g/s-", nil, zk.FlagSequence, openACL)
	demand(err == nil && path == "/g/s-0000000000", "sequence", path, err)
	data, stat, err := c.Get("/g")
	demand(err == nil && string(data) == "one" && stat.Version == 0 && stat.NumChildren == 1, "get", err)
	stat, err = c.Set("/g", []byte("two!"), 0)
	demand(err == nil && stat.Version == 1 && stat.DataLength == 4, "set", err)
	_, err = c.Set("/g", nil, 0)
	demand(err == zk.ErrBadVersion, "BadVersion", err)
	demand(c.Delete("/g", -1) == zk.ErrNotEmpty, "NotEmpty")
	children, stat, err := c.Children("/g")
	demand(err == nil && len(children) == 1 && stat.Cversion == 1, "children", err)
	succeed("delete", c.Delete("/g/s-0000000000", 0))
	exists, _, err := c.Exists("/g/s-0000000000")
	demand(err == nil && !exists, "gone", err)
	path, err = c.Sync("/g")
	demand(err == nil && path == "/g", "sync", err)
	fmt.Println("create, get, set, delete, children, sync")
}

func showsMulti(c session) {
	results, err := c.Multi(
		&zk.CreateRequest{Path: "/g/m", Acl: openACL},
		&zk.SetDataRequest{Path: "/g/m", Data: []byte("1"), Version: 0},
		&zk.CheckVersionRequest{Path: "/g/m", Version: 1},
		&zk.DeleteRequest{Path: "/g/m", Version: 1})
	demand(err == nil && len(results) == 4, "multi", err)
	demand(results[0].String == "/g/m" && results[1].Stat.Version == 1, "results of a multi")
	results, err = c.Multi(
		&zk.CreateRequest{Path: "/g/never", Acl: openACL},
		&zk.CheckVersionRequest{Path: "/g", Version: 99},
		&zk.DeleteRequest{Path: "/g", Version: -1})
	demand(err == zk.ErrBadVersion, "failed multi", err, results)
	exists, _, _ := c.Exists("/g/never")
	demand(!exists, "a failed multi changes nothing")
	fmt.Println("multi, whole or not at all")
}

func showsWatches(c, other session) {
	_, _, created, err := c.ExistsW("/g/w")
	succeed("exists", err)
	_, err = other.Create("/g/w", nil, 0, openACL)
	succeed("create", err)
	await(created, zk.EventNodeCreated, "/g/w")
	_, _, changed, err := c.GetW("/g/w")
	succeed("get", err)
	_, err = other.Set("/g/w", []byte("x"), -1)
	succeed("set", err)
	await(changed, zk.EventNodeDataChanged, "/g/w")
	_, _, children, err := c.ChildrenW("/g/w")
	succeed("children", err)
	_, err = other.Create("/g/w/c", nil, zk.FlagEphemeral, openACL)
	succeed("create", err)
	await(children, zk.EventNodeChildrenChanged, "/g/w")
	_, _, deleted, err := c.ExistsW("/g/w/c")
	succeed("exists", err)
	other.Close()
	await(deleted, zk.EventNodeDeleted, "/g/w/c")
	fmt.Println("watches, and an ephemeral that goes with its session")
}

func showsAuth(c session, address string) {
	succeed("auth", c.AddAuth("digest", []byte("ann:secret")))
	_, err := c.Create("/g/acl", []byte("x"), 0, zk.DigestACL(zk.PermAll, "ann", "secret"))
	succeed("create", err)
	other := open(address)
	_, _, err = other.Get("/g/acl")
	demand(err == zk.ErrNoAuth, "NoAuth", err)
	succeed("auth", other.AddAuth("digest", []byte("ann:secret")))
	_, _, err = other.Get("/g/acl")
	succeed("get after auth", err)
	acl, _, err := other.GetACL("/g/acl")
	demand(err == nil && len(acl) == 1 && acl[0].Scheme == "digest" && acl[0].Perms == zk.PermAll, "getACL", err)
	stat, err := other.SetACL("/g/acl", zk.WorldACL(zk.PermRead), -1)
	demand(err == nil && stat.Aversion == 1, "setACL", err)
	other.Close()
	fmt.Println("ACLs and digest logins")
}

func showsLock(c session, address string) {
	other := open(address)
	held, waiting := zk.NewLock(c.Conn, "/g/lock", openACL), zk.NewLock(other.Conn, "/g/lock", openACL)
	succeed("lock", held.Lock())
	got := make(chan error)
	go func() { got <- waiting.Lock() }()
	for children := []string{}; len(children) != 2; {
		var err error
		var changed <-chan zk.Event
		children, _, changed, err = c.ChildrenW("/g/lock")
		succeed("children", err)
		if len(children) != 2 {
			await(changed, zk.EventNodeChildrenChanged, "/g/lock")
		}
	}
	select {
	case <-got:
		demand(false, "the lock excludes")
	default:
	}
	succeed("unlock", held.Unlock())
	succeed("lock is handed on", <-got)
	other.Close()
	fmt.Println("lock")
}

func showsReconnect(c session) {
	id := c.SessionID()
	_, err := c.Create("/g/kept", nil, zk.FlagEphemeral, openACL)
	succeed("create", err)
	_, _, later, err := c.ExistsW("/g/later")
	succeed("exists", err)
	fmt.Println("restart")
	_, err = bufio.NewReader(os.Stdin).ReadString('\n')
	succeed("an answer to restart", err)
	c.awaitState(zk.StateDisconnected)
	c.awaitState(zk.StateHasSession)
	demand(c.SessionID() == id, "same session")
	exists, stat, err := c.Exists("/g/kept")
	demand(err == nil && exists && stat.EphemeralOwner == id, "ephemeral after a restart", err)
	_, err = c.Create("/g/later", nil, 0, openACL)
	succeed("create", err)
	await(later, zk.EventNodeCreated, "/g/later")
	fmt.Println("same session, ephemeral and watch after a restart of the server")
}

// The parser of cons stumbles over the word's own connection, which has no session, but gives the others.
func showsWords(c session, address string) {
	demand(zk.FLWRuok([]string{address}, deadline)[0], "ruok")
	servers, _ := zk.FLWCons([]string{address}, deadline)
	found := false
	for _, client := range servers[0].Clients {
		found = found || client.SessionID == c.SessionID()
	}
	demand(found, "cons shows our session")
	fmt.Println("four-letter words")
}

func main() {
	log.SetOutput(os.Stderr)
	address := os.Args[1]
	c := open(address)
	showsNodes(c)
	showsMulti(c)
	showsWatches(c, open(address))
	showsLock(c, address)
	showsReconnect(c)
	showsAuth(c, address)
	showsWords(c, address)
	c.Close()
}
