// Command adder adds to the number in a node, each time under a lock, as the other programs of the demo do; then it keeps
// an ephemeral node until it is killed.
//
//	adder LOCK NUMBER TIMES EPHEMERAL
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"zooid"
)

func addOne(ctx context.Context, client *zooid.Client, lock *zooid.Lock, number string) error {
	if err := lock.Acquire(ctx); err != nil {
		return err
	}
	node, err := client.Get(ctx, number, zooid.Latest())
	if err != nil {
		return err
	}
	value, err := strconv.Atoi(string(node.Data))
	if err != nil {
		return err
	}
	if _, err := client.Set(ctx, number, []byte(strconv.Itoa(value+1)), node.Stat.Version); err != nil {
		return err
	}
	return lock.Release(ctx)
}

func run(ctx context.Context, path, number string, times int, ephemeral string) error {
	client, err := zooid.Open(ctx, zooid.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	lock, err := client.NewLock(path, "adder")
	if err != nil {
		return err
	}
	defer lock.Close()
	for i := 0; i < times; i++ {
		if err := addOne(ctx, client, lock, number); err != nil {
			return err
		}
	}
	if _, err := client.Create(ctx, ephemeral, nil, zooid.Ephemeral()); err != nil {
		return err
	}
	select {} // the demo kills it
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: adder LOCK NUMBER TIMES EPHEMERAL")
		os.Exit(2)
	}
	times, err := strconv.Atoi(os.Args[3])
	if err == nil {
		err = run(context.Background(), os.Args[1], os.Args[2], times, os.Args[4])
	}
	fmt.Fprintln(os.Stderr, "adder:", err)
	os.Exit(1)
}
