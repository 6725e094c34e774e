// The scenario of tests/bindings through the Go package: reads commands, writes the trace.
//
//	scenario SOCKET <scenario.txt
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"zooid"
)

var (
	ctx    = context.Background()
	client *zooid.Client
	stream *zooid.Stream
	lock   *zooid.Lock
	follow *zooid.Subscription
)

func stat(s *zooid.Stat) string {
	ephemeral := "no"
	if s.EphemeralOwner != 0 {
		ephemeral = "yes"
	}
	return fmt.Sprintf("version %d cversion %d length %d children %d ephemeral %s",
		s.Version, s.Cversion, s.DataLength, s.NumChildren, ephemeral)
}

func node(n *zooid.Node) { fmt.Println("node", n.Path, string(n.Data), stat(&n.Stat)) }

func number(word string) int32 {
	n, err := strconv.Atoi(word)
	if err != nil {
		log.Fatal(err)
	}
	return int32(n)
}

func name(err error) string {
	var failed *zooid.Error
	if !errors.As(err, &failed) {
		log.Fatal(err)
	}
	return failed.Code.Name()
}

func say(err error, told ...any) error {
	if err == nil {
		fmt.Println(told...)
	}
	return err
}

func sayStat(s *zooid.Stat, err error) error {
	if err == nil {
		fmt.Println(stat(s))
	}
	return err
}

func create(w []string) error {
	var options []zooid.CreateOption
	switch w[3] {
	case "ephemeral":
		options = append(options, zooid.Ephemeral())
	case "sequential":
		options = append(options, zooid.Sequential())
	}
	path, err := client.Create(ctx, w[1], []byte(w[2]), options...)
	return say(err, "path", path)
}

func get(w []string) error {
	n, err := client.Get(ctx, w[1])
	if err == nil {
		fmt.Println("data", string(n.Data), stat(&n.Stat))
	}
	return err
}

func exists(w []string) error {
	s, err := client.Exists(ctx, w[1])
	if s == nil && err == nil {
		return say(nil, "no")
	}
	return sayStat(s, err)
}

func list(w []string) error {
	names, err := client.List(ctx, w[1])
	return say(err, strings.Join(append([]string{"names"}, names...), " "))
}

func subtree(w []string) error {
	nodes, err := client.Subtree(ctx, w[1])
	for i := range nodes {
		node(&nodes[i])
	}
	return err
}

func readMany(w []string) error {
	nodes, err := client.ReadMany(ctx, w[1:])
	for i, n := range nodes {
		if n == nil {
			fmt.Println("none", w[1+i])
		} else {
			node(n)
		}
	}
	return err
}

func acl(w []string) error {
	acls, err := client.GetACL(ctx, w[1])
	for _, a := range acls {
		fmt.Println("acl", a.Perms, a.Scheme, a.ID)
	}
	return err
}

func part(word string) zooid.Write {
	w := append(strings.Split(word, ":"), "")
	switch w[0] {
	case "create":
		return zooid.CreateOp(w[1], []byte(w[2]))
	case "set":
		return zooid.SetOp(w[1], []byte(w[2]), zooid.AnyVersion)
	case "delete":
		return zooid.DeleteOp(w[1], zooid.AnyVersion)
	}
	return zooid.CheckOp(w[1], number(w[2]))
}

func multi(w []string) error {
	var writes []zooid.Write
	for _, word := range w[1:] {
		writes = append(writes, part(word))
	}
	results, err := client.Multi(ctx, writes...)
	var failed *zooid.Error
	if errors.As(err, &failed) {
		fmt.Println("error", failed.Code.Name())
		results = failed.Results
	}
	for _, result := range results {
		code := "OK"
		if result.Err != nil {
			code = name(result.Err)
		}
		fmt.Println("part", code)
	}
	return nil
}

func watch(w []string) (err error) {
	stream, err = client.Watch(ctx, w[1])
	return say(err, "watching")
}

func event([]string) error {
	names := map[zooid.Change]string{zooid.Created: "CREATED", zooid.Deleted: "DELETED", zooid.Changed: "CHANGED",
		zooid.ChildrenChanged: "CHILDREN_CHANGED"}
	e := <-stream.Events()
	return say(nil, "event", names[e.Change], e.Path)
}

func hold(err error) error {
	if err != nil {
		fmt.Println("error", name(err))
	}
	held := "no"
	if lock.IsHeld() {
		held = "yes"
	}
	return say(nil, "held", held)
}

func acquire(w []string) (err error) {
	if lock == nil {
		if lock, err = client.NewLock(w[1], ""); err != nil {
			return err
		}
	}
	return hold(lock.Acquire(ctx))
}

func counter(w []string) error {
	sum, err := client.AddToCounter(ctx, w[1], int64(number(w[2])))
	return say(err, "number", sum)
}

func count(w []string) error {
	n, err := client.CountDescendants(ctx, w[1])
	return say(err, "number", n)
}

func put(w []string) error {
	queue, err := client.NewQueue(w[1])
	if err != nil {
		return err
	}
	defer queue.Close()
	return say(queue.Put(ctx, []byte(w[2]), uint(number(w[3]))), "put")
}

func take(w []string) error {
	queue, err := client.NewQueue(w[1])
	if err != nil {
		return err
	}
	defer queue.Close()
	data, err := queue.Take(ctx)
	if err == nil {
		err = queue.Finish(ctx)
	}
	return say(err, "taken", string(data))
}

func atBarrier(path string, do func(*zooid.Barrier) error, done string) error {
	barrier, err := client.NewBarrier(path)
	if err != nil {
		return err
	}
	defer barrier.Close()
	return say(do(barrier), done)
}

func subscribe(w []string) (err error) {
	if follow, err = client.Subscribe(ctx, w[1]); err != nil {
		return err
	}
	for u := range follow.Updates() {
		if u.Change == zooid.CaughtUp {
			break
		}
	}
	return say(nil, "following")
}

func update([]string) error {
	names := map[zooid.Change]string{zooid.Created: "CREATED", zooid.Deleted: "DELETED", zooid.Changed: "CHANGED"}
	u := <-follow.Updates()
	return say(nil, "update", names[u.Change], u.Path, string(u.Data))
}

var commands = map[string]func(w []string) error{
	"create": create, "get": get, "exists": exists, "list": list, "subtree": subtree, "readmany": readMany, "acl": acl,
	"multi": multi, "watch": watch, "event": event, "lock": acquire, "counter": counter, "count": count,
	"set":    func(w []string) error { return sayStat(client.Set(ctx, w[1], []byte(w[2]), number(w[3]))) },
	"delete": func(w []string) error { return say(client.Delete(ctx, w[1], number(w[2])), "deleted") },
	"rmr":    func(w []string) error { return say(client.DeleteRecursive(ctx, w[1]), "deleted") },
	"unlock": func([]string) error { return hold(lock.Release(ctx)) },
	"put":    put, "take": take, "subscribe": subscribe, "update": update,
	"barrier": func(w []string) error {
		return atBarrier(w[1], func(b *zooid.Barrier) error { return b.Set(ctx) }, "set")
	},
	"lift": func(w []string) error {
		return atBarrier(w[1], func(b *zooid.Barrier) error { return b.Lift(ctx) }, "lifted")
	},
}

func main() {
	var err error
	if client, err = zooid.Open(ctx, zooid.Options{Socket: os.Args[1]}); err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		fmt.Println(">", lines.Text())
		words := strings.Fields(lines.Text())
		var failed *zooid.Error
		if errors.As(commands[words[0]](words), &failed) {
			fmt.Println(strings.TrimSpace("error " + failed.Code.Name() + " " + failed.Path))
		}
	}
}
