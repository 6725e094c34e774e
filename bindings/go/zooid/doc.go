// Package zooid is the znode tree, sessions and watches, through the zooid-agent on this host.
//
//	client, err := zooid.Open(ctx, zooid.Options{})
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	path, err := client.Create(ctx, "/app", []byte("hello"))
//	node, err := client.Get(ctx, path, zooid.Latest())
//	if errors.Is(err, zooid.NoNode) { ... }
//
// A client is one connection to the agent's socket, which is made again when it breaks; session and watches outlive
// that. It may be used from any number of goroutines. Every method takes a context: its deadline goes to the agent with
// the request, and when it is cancelled, so is the request. Errors are of type *Error: a code for errors.Is, the path,
// whether trying again helps, and whether the request may have taken effect.
//
// It stands on libzooid by cgo; pkg-config has to find zooid. What SWIG makes of its header is in internal/swig.
package zooid
