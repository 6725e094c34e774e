// One operation in a loop: through go-zookeeper on a server's port, or through the package zooid on the agent's socket.
//
//	go_client apache PORT   get|get64 NODE SECONDS
//	go_client zooid  SOCKET get|get64 NODE SECONDS
//
// Prints one line of JSON.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/samuel/go-zookeeper/zk"
	"zooid"
)

const warmUp = 100

type silent struct{}

func (silent) Printf(string, ...interface{}) {}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// getter makes the node and returns what reads it.
func getter(kind, where, node string) func() error {
	data := make([]byte, 100)
	if kind == "apache" {
		connection, _, err := zk.Connect([]string{"127.0.0.1:" + where}, 10*time.Second, zk.WithLogger(silent{}))
		must(err)
		_, err = connection.Create(node, data, 0, zk.WorldACL(zk.PermAll))
		if err != nil && err != zk.ErrNodeExists {
			log.Fatal(err)
		}
		return func() error {
			_, _, err := connection.Get(node)
			return err
		}
	}
	client, err := zooid.Open(context.Background(), zooid.Options{Socket: where})
	must(err)
	_, err = client.Create(context.Background(), node, data)
	if err != nil && !errors.Is(err, zooid.NodeExists) {
		log.Fatal(err)
	}
	return func() error {
		_, err := client.Get(context.Background(), node)
		return err
	}
}

func cpu() time.Duration {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func main() {
	kind, where, operation, node := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	seconds, err := strconv.ParseFloat(os.Args[5], 64)
	must(err)
	get := getter(kind, where, node)
	for i := 0; i < warmUp; i++ {
		must(get())
	}
	routines := 1
	if operation == "get64" {
		routines = 64
	}
	var count int64
	var wait sync.WaitGroup
	started, used := time.Now(), cpu()
	end := started.Add(time.Duration(seconds * float64(time.Second)))
	for i := 0; i < routines; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for time.Now().Before(end) {
				must(get())
				atomic.AddInt64(&count, 1)
			}
		}()
	}
	wait.Wait()
	passed := time.Since(started)
	fmt.Printf("{\"ops_per_s\": %f, \"client_cpu_us_per_op\": %f}\n", float64(count)/passed.Seconds(),
		float64((cpu()-used).Microseconds())/float64(count))
}
