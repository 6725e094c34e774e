package zooid

import (
	"context"

	"zooid/internal/swig"
)

// Barrier: while it is set, all wait.
type Barrier struct{ *recipe }

// NewBarrier makes one; nothing is sent.
func (c *Client) NewBarrier(path string) (*Barrier, error) {
	r, err := c.newNamed(path, swig.Barrier_free, swig.Barrier_new)
	if err != nil {
		return nil, err
	}
	return &Barrier{r}, nil
}

// newNamed is for recipes that have nothing but a path.
func (c *Client) newNamed(path string, free func(uintptr), make func(uintptr, string) uintptr) (*recipe, error) {
	if hasZero(path) {
		return nil, errorOf(BadArguments, path)
	}
	return c.newRecipe(path, free, func() uintptr { return make(c.handle, path) })
}

// Set makes all wait.
func (b *Barrier) Set(ctx context.Context) error {
	_, err := b.await(ctx, swig.Barrier_submit_set)
	return err
}

// Lift lets them go. NoNode: it was not set.
func (b *Barrier) Lift(ctx context.Context) error {
	_, err := b.await(ctx, swig.Barrier_submit_lift)
	return err
}

// Wait returns when it is not set.
func (b *Barrier) Wait(ctx context.Context) error {
	_, err := b.await(ctx, swig.Barrier_submit_wait)
	return err
}

// DoubleBarrier: nobody goes in before all are there, nobody comes out before all want to.
// Lost is closed when the session of one that is inside is over.
type DoubleBarrier struct {
	*recipe
	losable
}

// NewDoubleBarrier makes one for `count`; nothing is sent.
func (c *Client) NewDoubleBarrier(path string, count uint32, identifier string) (*DoubleBarrier, error) {
	if hasZero(path, identifier) {
		return nil, errorOf(BadArguments, path)
	}
	r, err := c.newRecipe(path, swig.Double_barrier_free, func() uintptr {
		return swig.Double_barrier_new(c.handle, path, uint(count), identifier)
	})
	if err != nil {
		return nil, err
	}
	return &DoubleBarrier{recipe: r}, nil
}

// Enter waits for the others; whoever gives up is out again.
func (b *DoubleBarrier) Enter(ctx context.Context) error {
	begun := b.begin(b.client.pump, b.number())
	_, err := b.await(ctx, swig.Double_barrier_submit_enter)
	if err != nil && begun {
		b.end(b.client.pump, b.number())
	}
	return err
}

// Leave waits for the others.
func (b *DoubleBarrier) Leave(ctx context.Context) error {
	_, err := b.await(ctx, swig.Double_barrier_submit_leave)
	if err == nil {
		b.end(b.client.pump, b.number())
	}
	return err
}

func (b *DoubleBarrier) number() (number uint64) {
	b.with(func(address uintptr) { number = swig.Double_barrier_number(address) })
	return number
}

// Close leaves it, without waiting for that.
func (b *DoubleBarrier) Close() error {
	b.end(b.client.pump, b.number())
	return b.recipe.Close()
}

// Queue hands each entry out at least once, by priority and arrival: it stays there, out of reach of others, until
// whoever took it calls Finish; when that one ends before, another gets it. Lost is closed when what was taken may be in
// other hands.
type Queue struct {
	*recipe
	losable
}

// NewQueue makes one; nothing is sent.
func (c *Client) NewQueue(path string) (*Queue, error) {
	r, err := c.newNamed(path, swig.Queue_free, swig.Queue_new)
	if err != nil {
		return nil, err
	}
	return &Queue{recipe: r}, nil
}

// DefaultPriority is kazoo's.
const DefaultPriority = 100

// Put adds an entry; priority 0 comes first, 999 last.
func (q *Queue) Put(ctx context.Context, data []byte, priority uint) error {
	_, err := q.await(ctx, func(address uintptr, ms uint) uint64 {
		return swig.Queue_submit_put(address, data, priority, ms)
	})
	return err
}

// Take waits for an entry.
func (q *Queue) Take(ctx context.Context) ([]byte, error) {
	begun := q.begin(q.client.pump, q.number())
	r, err := q.await(ctx, swig.Queue_submit_take)
	if err != nil {
		if begun {
			q.end(q.client.pump, q.number())
		}
		return nil, err
	}
	return r.data, nil
}

// Finish says that what was taken is dealt with. NotHeld: it may be in other hands.
func (q *Queue) Finish(ctx context.Context) error {
	return q.let(ctx, swig.Queue_submit_finish)
}

// Return leaves what was taken to others.
func (q *Queue) Return(ctx context.Context) error {
	return q.let(ctx, swig.Queue_submit_return)
}

// let goes of what was taken.
func (q *Queue) let(ctx context.Context, submit func(uintptr, uint) uint64) error {
	_, err := q.await(ctx, submit)
	if err == nil {
		q.end(q.client.pump, q.number())
	}
	return err
}

func (q *Queue) number() (number uint64) {
	q.with(func(address uintptr) { number = swig.Queue_number(address) })
	return number
}

// Close gives back what was taken, without waiting for that.
func (q *Queue) Close() error {
	q.end(q.client.pump, q.number())
	return q.recipe.Close()
}

// Presence is an ephemeral node that is there until it is closed, made again whenever it is gone; or membership of a
// group.
type Presence struct {
	*recipe
	losable
}

// Keep makes the node at the path.
func (c *Client) Keep(path string, data []byte) (*Presence, error) {
	r, err := c.newNamed(path, swig.Ephemeral_free, func(handle uintptr, path string) uintptr {
		return swig.Ephemeral_new(handle, path, data)
	})
	if err != nil {
		return nil, err
	}
	return &Presence{recipe: r}, nil
}

// Join makes a member of the group.
func (c *Client) Join(group, identifier string) (*Presence, error) {
	if hasZero(identifier) {
		return nil, errorOf(BadArguments, group)
	}
	r, err := c.newNamed(group, swig.Ephemeral_free, func(handle uintptr, path string) uintptr {
		return swig.Group_join(handle, path, identifier)
	})
	if err != nil {
		return nil, err
	}
	return &Presence{recipe: r}, nil
}

// Wait returns the node's path when it is there.
func (p *Presence) Wait(ctx context.Context) (path string, err error) {
	if _, err = p.await(ctx, swig.Ephemeral_submit_wait); err != nil {
		return "", err
	}
	p.with(func(address uintptr) { path = swig.Ephemeral_path(address) })
	return path, nil
}

// Lost gives a channel that is closed when the node is gone the next time; it will be made again.
func (p *Presence) Lost() <-chan struct{} {
	p.begin(p.client.pump, p.number())
	return p.losable.Lost()
}

func (p *Presence) number() (number uint64) {
	p.with(func(address uintptr) { number = swig.Ephemeral_number(address) })
	return number
}

// Close lets the node go, without waiting for that.
func (p *Presence) Close() error {
	p.end(p.client.pump, p.number())
	return p.recipe.Close()
}

// Set says what the node holds from now on.
func (p *Presence) Set(data []byte) error {
	code := Closed
	p.with(func(address uintptr) { code = Code(swig.Ephemeral_set(address, data)) })
	if code != 0 {
		return errorOf(code, p.path)
	}
	return nil
}

// Members of a group.
func (c *Client) Members(ctx context.Context, group string) ([]Contender, error) {
	r, err := c.errand(ctx, group, swig.Group_submit_members)
	if err != nil {
		return nil, err
	}
	return r.contenders(), nil
}

// errand is for what takes several requests and has no object.
func (c *Client) errand(ctx context.Context, path string, submit func(uintptr, string, uint) uint64) (*reply, error) {
	if hasZero(path) {
		return nil, errorOf(BadArguments, path)
	}
	r, err := c.newRecipe(path, func(uintptr) {}, func() uintptr { return c.handle })
	if err != nil {
		return nil, err
	}
	return r.await(ctx, func(handle uintptr, ms uint) uint64 { return submit(handle, path, ms) })
}

// Counter reads a whole number; a node that is missing counts as 0.
func (c *Client) Counter(ctx context.Context, path string) (int64, error) {
	return c.AddToCounter(ctx, path, 0)
}

// AddToCounter returns the sum. With 0 it only reads.
func (c *Client) AddToCounter(ctx context.Context, path string, delta int64) (int64, error) {
	r, err := c.errand(ctx, path, func(handle uintptr, path string, ms uint) uint64 {
		if delta == 0 {
			return swig.Counter_submit_get(handle, path, ms)
		}
		return swig.Counter_submit_add(handle, path, delta, ms)
	})
	if err != nil {
		return 0, err
	}
	return int64(r.number), nil
}

// Cache is a copy of a node and all below it, kept up to date and read without asking anybody. It may lag behind.
type Cache struct{ *recipe }

// NewCache begins to copy.
func (c *Client) NewCache(path string) (*Cache, error) {
	r, err := c.newNamed(path, swig.Cache_free, swig.Cache_new)
	if err != nil {
		return nil, err
	}
	return &Cache{r}, nil
}

// Wait returns when the first copy is complete.
func (c *Cache) Wait(ctx context.Context) error {
	_, err := c.await(ctx, swig.Cache_submit_wait)
	return err
}

// read asks the copy, which is in memory.
func (c *Cache) read(path string, ask func(address uintptr, path string) string) (*reply, error) {
	if hasZero(path) {
		return nil, errorOf(BadArguments, path)
	}
	var answer packed
	if !c.with(func(address uintptr) { answer = packed{[]byte(ask(address, path))} }) {
		return nil, errorOf(Closed, path)
	}
	result := answer.reply()
	if result.err != nil {
		return nil, result.err
	}
	return result, nil
}

// Get reads a node of the copy. Stale: the first copy is not complete.
func (c *Cache) Get(path string) (*Node, error) {
	r, err := c.read(path, swig.Packed_cache_get)
	if err != nil {
		return nil, err
	}
	return &Node{Path: path, Data: r.data, Stat: r.statOrNone(), Zxid: r.state.Zxid}, nil
}

// List gives the names of a node's children in the copy, in order.
func (c *Cache) List(path string) ([]string, error) {
	r, err := c.read(path, swig.Packed_cache_list)
	if err != nil {
		return nil, err
	}
	return r.names, nil
}
