package zooid

import (
	"context"
	"sync"
	"time"

	"zooid/internal/swig"
)

// recipe is what locks and their like share: an object of the library, which is freed before its client.
type recipe struct {
	client  *Client
	path    string
	free    func(address uintptr)
	inUse   sync.RWMutex // of the address
	address uintptr
}

// make is called with the client in use; what it makes may be 0.
func (c *Client) newRecipe(path string, free func(uintptr), make func() uintptr) (*recipe, error) {
	if !c.use() {
		return nil, errorOf(Closed, path)
	}
	defer c.done()
	address := make()
	if address == 0 {
		return nil, errorOf(BadArguments, path)
	}
	return &recipe{client: c, path: path, free: free, address: address}, nil
}

// Close gives back what it has, without waiting for that. It may be called again.
func (r *recipe) Close() error {
	r.inUse.Lock()
	defer r.inUse.Unlock()
	address := r.address
	r.address = 0
	if address != 0 && r.client.use() { // otherwise it went with the client
		defer r.client.done()
		r.free(address)
	}
	return nil
}

// with is false when there is no address any more.
func (r *recipe) with(use func(address uintptr)) bool {
	if !r.client.use() {
		return false
	}
	defer r.client.done()
	return r.withAddress(use)
}

// withAddress is for when the client is in use already: that is not to be nested.
func (r *recipe) withAddress(use func(address uintptr)) bool {
	r.inUse.RLock()
	defer r.inUse.RUnlock()
	if r.address == 0 {
		return false
	}
	use(r.address)
	return true
}

// await asks for something; the context ends it.
func (r *recipe) await(ctx context.Context, submit func(address uintptr, ms uint) uint64) (*reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, errorOfContext(err, r.path, false)
	}
	if !r.client.use() {
		return nil, errorOf(Closed, r.path)
	}
	defer r.client.done()
	isOpen := false
	result, err := r.client.pump.await(ctx, r.path, func() (ticket uint64) {
		isOpen = r.withAddress(func(address uintptr) { ticket = submit(address, uint(deadlineOf(ctx))) })
		return ticket
	})
	if !isOpen {
		return nil, errorOf(Closed, r.path)
	}
	return result, err
}

// losable tells of the loss of what a recipe holds.
type losable struct {
	mutex sync.Mutex
	lost  chan struct{} // closed when it is lost; nil: nothing was ever held
	tell  func()        // closes it; nil: it was closed, or nothing is held
}

// begin is for what is held from now on, or may be soon. False: it is told already.
func (l *losable) begin(p *pump, number uint64) bool {
	l.mutex.Lock()
	if l.tell != nil {
		l.mutex.Unlock()
		return false
	}
	l.lost = make(chan struct{})
	l.tell = func() {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		if l.tell != nil {
			l.tell = nil
			close(l.lost)
		}
	}
	tell := l.tell
	l.mutex.Unlock() // the pump tells under a lock of its own
	p.tellLost(number, tell)
	return true
}

// end is for what is held no longer.
func (l *losable) end(p *pump, number uint64) {
	p.tellLost(number, nil)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.tell = nil
}

// Lost is closed when what is held has been lost, and not given back.
func (l *losable) Lost() <-chan struct{} {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.lost
}

// Lock is a lock, a lead, or one lease of a semaphore. Who holds it must have ended by GoodUntil, and passes on Token.
type Lock struct {
	*recipe
	losable
}

// Contender holds a lock or waits for it.
type Contender struct {
	Name, Identifier string
}

const (
	lockExclusive = iota
	lockRead
	lockWrite
)

func (c *Client) newLock(path, identifier string, make func() uintptr) (*Lock, error) {
	if hasZero(path, identifier) {
		return nil, errorOf(BadArguments, path)
	}
	r, err := c.newRecipe(path, swig.Lock_free, make)
	if err != nil {
		return nil, err
	}
	return &Lock{recipe: r}, nil
}

// NewLock makes a lock that one holds at a time; nothing is sent. An election is a lock: who holds it leads. Others
// see the identifier, which may be empty.
func (c *Client) NewLock(path, identifier string) (*Lock, error) {
	return c.newLock(path, identifier, func() uintptr { return swig.Lock_new(c.handle, path, lockExclusive, identifier) })
}

// NewReadLock makes one that is held together with other readers.
func (c *Client) NewReadLock(path, identifier string) (*Lock, error) {
	return c.newLock(path, identifier, func() uintptr { return swig.Lock_new(c.handle, path, lockRead, identifier) })
}

// NewWriteLock makes one that is held alone, without readers.
func (c *Client) NewWriteLock(path, identifier string) (*Lock, error) {
	return c.newLock(path, identifier, func() uintptr { return swig.Lock_new(c.handle, path, lockWrite, identifier) })
}

// NewSemaphore makes one that `leases` may hold at a time; all have to give the same number.
func (c *Client) NewSemaphore(path string, leases uint32, identifier string) (*Lock, error) {
	return c.newLock(path, identifier, func() uintptr {
		return swig.Semaphore_new(c.handle, path, uint(leases), identifier)
	})
}

// Acquire waits for its turn, until the context ends.
func (l *Lock) Acquire(ctx context.Context) error {
	_, err := l.await(ctx, swig.Lock_submit_acquire)
	if err == nil {
		l.isHeldNow()
	}
	return err
}

// TryAcquire does not wait for others: false when another has it, or comes before.
func (l *Lock) TryAcquire(ctx context.Context) (bool, error) {
	_, err := l.await(ctx, swig.Lock_submit_try)
	if failed, is := err.(*Error); is && failed.Code == NotHeld {
		return false, nil
	}
	if err == nil {
		l.isHeldNow()
	}
	return err == nil, err
}

func (l *Lock) isHeldNow() {
	l.begin(l.client.pump, l.number())
	if l.IsHeld() {
		return
	}
	l.mutex.Lock()
	tell := l.tell
	l.mutex.Unlock()
	if tell != nil { // it was lost before anybody was to be told
		tell()
	}
}

func (l *Lock) number() (number uint64) {
	l.with(func(address uintptr) { number = swig.Lock_number(address) })
	return number
}

// Release gives it back. An error that is NotHeld says that it had been lost.
func (l *Lock) Release(ctx context.Context) error {
	_, err := l.await(ctx, swig.Lock_submit_release)
	l.end(l.client.pump, l.number())
	return err
}

// IsHeld as it is known here.
func (l *Lock) IsHeld() (held bool) {
	l.with(func(address uintptr) { held = swig.Lock_is_held(address) })
	return held
}

// Token grows from holder to holder; 0: not held.
func (l *Lock) Token() (token uint64) {
	l.with(func(address uintptr) { token = swig.Lock_token(address) })
	return token
}

// GoodUntil is on CLOCK_BOOTTIME: until then nobody else has it. It grows while it is held; 0: it is not.
func (l *Lock) GoodUntil() (until time.Duration) {
	l.with(func(address uintptr) { until = time.Duration(swig.Lock_good_until_ms(address)) * time.Millisecond })
	return until
}

// Contenders are those that hold it and those that wait, in this order; of a semaphore only those that hold it.
func (l *Lock) Contenders(ctx context.Context) ([]Contender, error) {
	r, err := l.await(ctx, swig.Lock_submit_contenders)
	if err != nil {
		return nil, err
	}
	return r.contenders(), nil
}

// Close gives it back, without waiting for that.
func (l *Lock) Close() error {
	l.end(l.client.pump, l.number())
	return l.recipe.Close()
}

func (r *reply) contenders() []Contender {
	contenders := make([]Contender, len(r.nodes))
	for i, n := range r.nodes {
		contenders[i] = Contender{n.path, string(n.data)}
	}
	return contenders
}
