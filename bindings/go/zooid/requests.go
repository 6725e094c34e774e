package zooid

import (
	"context"
	"os"
	"strings"
	"time"

	"zooid/internal/swig"
)

// ask is a request in the making. The first thing that goes wrong is kept until it is performed.
type ask struct {
	path    string
	request uintptr
	code    Code
	writes  bool // its outcome is unknown when nobody waits for it any more
}

func newAsk(path string, make func(path string) uintptr) *ask {
	a := &ask{path: path}
	if !a.checkTexts(path) {
		return a
	}
	if a.request = make(path); a.request == 0 {
		a.code = NoMemory
	}
	return a
}

func newWrite(path string, make func(path string) uintptr) *ask {
	a := newAsk(path, make)
	a.writes = true
	return a
}

// A zero byte would end a text where it stands.
func (a *ask) checkTexts(texts ...string) bool {
	for _, text := range texts {
		if strings.IndexByte(text, 0) >= 0 {
			a.code = BadArguments
		}
	}
	return a.code == ok
}

// add takes what a function said that added something to the request.
func (a *ask) add(code int) {
	if a.code == ok {
		a.code = Code(code)
	}
}

func (a *ask) addACL(acl []ACL) {
	for _, entry := range acl {
		if a.checkTexts(entry.Scheme, entry.ID) {
			a.add(swig.Request_add_acl(a.request, uint(entry.Perms), entry.Scheme, entry.ID))
		}
	}
}

func (a *ask) free() {
	if a.request != 0 {
		swig.Request_free(a.request)
		a.request = 0
	}
}

func (a *ask) finish() (uintptr, error) {
	if a.code != ok {
		a.free()
		return 0, errorOf(a.code, a.path)
	}
	request := a.request
	a.request = 0
	return request, nil
}

// ReadOption says more about a read.
type ReadOption func(r *reading)

type reading struct {
	latest, watch, children, withoutData bool
	zxidMin, changedSince                int64
	ageMax                               time.Duration
	isConditional                        bool
	depth                                uint
	also                                 []string
}

// Latest makes a read linearizable: not older than the moment of the request.
func Latest() ReadOption { return func(r *reading) { r.latest = true } }

// AtLeast makes a read show everything up to the zxid.
func AtLeast(zxid int64) ReadOption { return func(r *reading) { r.zxidMin = zxid } }

// MaxAge demands that the agent has heard from its leader within this time.
func MaxAge(age time.Duration) ReadOption { return func(r *reading) { r.ageMax = age } }

// WithWatch makes the next change one of Events. For Get, Exists, List.
func WithWatch() ReadOption { return func(r *reading) { r.watch = true } }

// IfChangedSince makes the error NotChanged of what is not newer than the zxid. For Get and List.
func IfChangedSince(zxid int64) ReadOption {
	return func(r *reading) { r.changedSince, r.isConditional = zxid, true }
}

// WithChildren adds the names of each node's children. For ReadMany.
func WithChildren() ReadOption { return func(r *reading) { r.children = true } }

// WithoutData leaves the data out. For Subtree.
func WithoutData() ReadOption { return func(r *reading) { r.withoutData = true } }

// Also adds further paths, of which some may be missing. For Subtree.
func Also(paths ...string) ReadOption { return func(r *reading) { r.also = append(r.also, paths...) } }

// Depth 1 takes the children only, 2 theirs too, 0 everything. For Subtree.
func Depth(depth uint) ReadOption { return func(r *reading) { r.depth = depth } }

func readingOf(options []ReadOption) reading {
	var r reading
	for _, option := range options {
		option(&r)
	}
	return r
}

func (a *ask) read(r reading) *ask {
	if a.code != ok {
		return a
	}
	if r.latest || r.zxidMin != 0 || r.ageMax != 0 {
		a.add(swig.Request_fresh(a.request, r.latest, r.zxidMin, uint(milliseconds(r.ageMax))))
	}
	if r.watch {
		a.add(swig.Request_set_watch(a.request))
	}
	if r.isConditional {
		a.add(swig.Request_set_if_changed_since(a.request, r.changedSince))
	}
	if r.children {
		a.add(swig.Request_set_with_children(a.request))
	}
	if r.withoutData {
		a.add(swig.Request_set_without_data(a.request))
	}
	return a
}

// Get reads a node.
func (c *Client) Get(ctx context.Context, path string, options ...ReadOption) (*Node, error) {
	r, err := c.run(ctx, newAsk(path, swig.Request_get).read(readingOf(options)))
	if err != nil {
		return nil, err
	}
	return &Node{Path: path, Data: r.data, Stat: r.statOrNone(), Zxid: r.state.Zxid}, nil
}

// Exists is nil for a node that does not.
func (c *Client) Exists(ctx context.Context, path string, options ...ReadOption) (*Stat, error) {
	r, err := c.run(ctx, newAsk(path, swig.Request_exists).read(readingOf(options)))
	if r != nil && r.err != nil && r.err.Code == NoNode {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r.stat, nil
}

// List gives the names of all children, in ascending order.
func (c *Client) List(ctx context.Context, path string, options ...ReadOption) ([]string, error) {
	r, err := c.run(ctx, newAsk(path, swig.Request_list).read(readingOf(options)))
	if err != nil {
		return nil, err
	}
	return r.names, nil
}

// ListPage gives the first children whose names are greater than `after`, at most `limit`.
func (c *Client) ListPage(
	ctx context.Context, path, after string, limit uint, options ...ReadOption,
) (*Children, error) {
	a := newAsk(path, swig.Request_list).read(readingOf(options))
	if a.checkTexts(after) {
		a.add(swig.Request_set_page(a.request, after, limit))
	}
	r, err := c.run(ctx, a)
	if err != nil {
		return nil, err
	}
	return r.children(), nil
}

// ListNodes gives all children with data and stat; the path of each is its name.
func (c *Client) ListNodes(ctx context.Context, path string, options ...ReadOption) ([]Node, error) {
	a := newAsk(path, swig.Request_list).read(readingOf(options))
	if a.code == ok {
		a.add(swig.Request_set_with_nodes(a.request))
	}
	r, err := c.run(ctx, a)
	if err != nil {
		return nil, err
	}
	return r.nodeList(), nil
}

func (a *ask) addPaths(paths []string) {
	for _, path := range paths {
		if a.checkTexts(path) {
			a.add(swig.Request_add_path(a.request, path))
		}
	}
}

// ReadMany reads several nodes as they are at one zxid; nil for those that cannot be read.
func (c *Client) ReadMany(ctx context.Context, paths []string, options ...ReadOption) ([]*Node, error) {
	a := newAsk("", func(string) uintptr { return swig.Request_read_many() }).read(readingOf(options))
	a.addPaths(paths)
	r, err := c.run(ctx, a)
	if err != nil {
		return nil, err
	}
	nodes := make([]*Node, len(paths))
	for i, node := range r.nodeList() {
		if node := node; i < len(paths) && r.nodes[i].code == ok {
			node.Path = paths[i]
			nodes[i] = &node
		}
	}
	return nodes, nil
}

// Subtree reads a node and all below it at one zxid, parents first; with Also several, each node once.
func (c *Client) Subtree(ctx context.Context, path string, options ...ReadOption) ([]Node, error) {
	how := readingOf(options)
	make := func(path string) uintptr { return swig.Request_subtree(path, how.depth) }
	a := newAsk(path, make).read(how)
	a.addPaths(how.also)
	r, err := c.run(ctx, a)
	if err != nil {
		return nil, err
	}
	return r.nodeList(), nil
}

// GetACL reads the access list of a node.
func (c *Client) GetACL(ctx context.Context, path string) ([]ACL, error) {
	r, err := c.run(ctx, newAsk(path, swig.Request_get_acl))
	if err != nil {
		return nil, err
	}
	return r.acls, nil
}

// Ephemerals gives those of the own session below the prefix.
func (c *Client) Ephemerals(ctx context.Context, prefix string) ([]string, error) {
	r, err := c.run(ctx, newAsk(prefix, swig.Request_ephemerals))
	if err != nil {
		return nil, err
	}
	return r.names, nil
}

// CountDescendants counts all nodes below.
func (c *Client) CountDescendants(ctx context.Context, path string) (uint64, error) {
	r, err := c.run(ctx, newAsk(path, swig.Request_count_descendants))
	if err != nil {
		return 0, err
	}
	return r.number, nil
}

// Command is what the admin server answers to one of its commands, as JSON: "server_stats", "connections"... Those that
// change something are for administrators.
func (c *Client) Command(ctx context.Context, name string) ([]byte, error) {
	r, err := c.run(ctx, newAsk(name, swig.Request_command))
	if err != nil {
		return nil, err
	}
	return r.data, nil
}

// Backup writes the tree as it is now into a file, as a snapshot of ZooKeeper's format, and says which zxid it has and how
// many nodes. It is for administrators. It has a connection of its own, logged in as this one is by then.
func (c *Client) Backup(ctx context.Context, file *os.File) (zxid int64, nodes uint64, err error) {
	var own feed
	if err = own.open(ctx, c, ""); err != nil {
		return 0, 0, err
	}
	defer own.source.Close()
	written := make(chan *reply, 1)
	go func() {
		answer := packed{[]byte(swig.Packed_backup(own.source.handle, int(file.Fd()), noDeadline))}
		written <- answer.reply()
	}()
	var r *reply
	select {
	case r = <-written:
	case <-ctx.Done():
		swig.Handle_shutdown(own.source.handle)
		<-written // the file is the caller's again
		return 0, 0, errorOfContext(ctx.Err(), "", false)
	}
	if r.err != nil {
		return 0, 0, r.err
	}
	return r.state.Zxid, r.number, nil
}

// Sync returns when the agent has everything that was committed before.
func (c *Client) Sync(ctx context.Context) (State, error) {
	return c.stateOf(ctx, newAsk("/", swig.Request_sync))
}

// WaitFor returns when the agent has come to the zxid.
func (c *Client) WaitFor(ctx context.Context, zxid int64) (State, error) {
	return c.stateOf(ctx, newAsk("", func(string) uintptr { return swig.Request_wait(zxid) }))
}

func (c *Client) stateOf(ctx context.Context, a *ask) (State, error) {
	r, err := c.run(ctx, a)
	if err != nil {
		return State{}, err
	}
	return r.state, nil
}

// WhoAmI gives the identities that access lists are held against, each `scheme:id`.
func (c *Client) WhoAmI(ctx context.Context) ([]string, error) {
	r, err := c.run(ctx, newAsk("", func(string) uintptr { return swig.Request_who_am_i() }))
	if err != nil {
		return nil, err
	}
	return r.names, nil
}
