package zooid

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"zooid/internal/swig"
)

// Options of Open; the zero value is good.
type Options struct {
	Socket         string        // path of the agent's socket; empty: $ZOOID_SOCKET, else /run/zooid/zooid.sock
	Name           string        // who this is, for the agent's reports; empty: the program's name
	SessionTimeout time.Duration // 0: 30 s
	Watchdog       time.Duration // the session ends when nothing is asked for in so long a time; 0: it does not
	// The agent keeps the session for so long after the client, or its process, has ended, for another one to take it
	// over. 0: it ends with them.
	Linger time.Duration
	// A session to take over, as SessionKey has told it of another client, with its ephemeral nodes and locks. When it
	// is gone, an event says that it is lost, and a new one is opened. The zero value: none.
	Resume SessionKey
	// So many logins (AddAuth) are made again after a reconnect, 4096 at most; what goes beyond is lost with the
	// connection, which Log is told when the login is made. 0: 16.
	LoginsMax uint32
	// Log gets what the library has to say, in a goroutine of its own; level is error, warning, info or debug.
	Log func(level, line string)
}

// Client is a connection to the agent. Close it.
type Client struct {
	// Held for reading by everything that uses the handle; Close takes it to free the handle.
	inUse   sync.RWMutex
	handle  uintptr
	options Options
	closed  atomic.Bool
	calls   atomic.Int64 // under way
	pump    *pump
}

const (
	noDeadline            = math.MaxUint32
	connectTimeout        = 5 * time.Second
	defaultSessionTimeout = 30 * time.Second
	defaultLoginsMax      = 16
)

// Open waits for the agent until the context ends, or five seconds when that has no deadline.
func Open(ctx context.Context, options Options) (*Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, errorOfContext(err, "", false)
	}
	wait, session := connectTimeout, options.SessionTimeout
	if deadline, has := ctx.Deadline(); has {
		wait = time.Until(deadline)
	}
	if session <= 0 {
		session = defaultSessionTimeout
	}
	if options.LoginsMax == 0 {
		options.LoginsMax = defaultLoginsMax
	}
	if strings.ContainsRune(options.Socket+options.Name, 0) {
		return nil, errorOf(BadArguments, "")
	}
	result := make(chan packed, 1)
	go func() {
		raw := swig.Packed_open(options.Socket, options.Name, uint(milliseconds(wait)), uint(milliseconds(session)),
			uint(milliseconds(options.Watchdog)), uint(milliseconds(options.Linger)), options.Resume.ID,
			options.Resume.Token, uint(options.LoginsMax))
		result <- packed{[]byte(raw)}
	}()
	var opened packed
	select {
	case opened = <-result:
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			go closeUnseen(result)
			return nil, errorOfContext(ctx.Err(), "", false)
		}
		opened = <-result // the library keeps the deadline too, and says why
	}
	handle := uintptr(opened.long())
	if handle == 0 {
		return nil, opened.reply().err
	}
	c := &Client{handle: handle, options: options}
	c.pump = newPump(c)
	if options.Log != nil {
		c.inUse.RLock()
		go c.passLog(options.Log)
	}
	return c, nil
}

// closeUnseen is for a client that nobody waits for any more.
func closeUnseen(result <-chan packed) {
	opened := <-result
	if handle := uintptr(opened.long()); handle != 0 {
		swig.Handle_free(handle)
	}
}

// Close ends the session; whatever is under way gets an error that is Closed. It may be called again.
func (c *Client) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return nil
	}
	swig.Handle_shutdown(c.handle)
	c.pump.end()
	c.inUse.Lock()
	defer c.inUse.Unlock()
	swig.Handle_free(c.handle)
	c.handle = 0
	return nil
}

// use has to be followed by done, unless it returns false: then the client is closed.
func (c *Client) use() bool {
	if c.closed.Load() {
		return false
	}
	c.inUse.RLock()
	if c.closed.Load() {
		c.inUse.RUnlock()
		return false
	}
	return true
}

func (c *Client) done() { c.inUse.RUnlock() }

// passLog is begun with the client in use.
func (c *Client) passLog(log func(level, line string)) {
	defer c.done()
	levels := []string{"error", "warning", "info", "debug"}
	for {
		line := packed{[]byte(swig.Packed_log(c.handle))}
		if len(line.rest) == 0 {
			return
		}
		level, missed := line.number(), line.number()
		if missed > 0 {
			log("warning", "lines were lost here")
		}
		log(levels[level], line.text())
	}
}

func milliseconds(d time.Duration) uint32 {
	switch ms := d.Milliseconds(); {
	case ms < 0:
		return 0
	case ms >= noDeadline:
		return noDeadline - 1
	default:
		return uint32(ms)
	}
}

func deadlineOf(ctx context.Context) uint32 {
	deadline, has := ctx.Deadline()
	if !has {
		return noDeadline
	}
	return milliseconds(time.Until(deadline))
}

// run performs the request that ask has made; it is taken over.
//
// One call alone works the socket itself, with no other goroutine between it and the reply. When there are more, or
// when it may be cancelled, they are submitted, and the pump hands out the replies.
func (c *Client) run(ctx context.Context, a *ask) (*reply, error) {
	if !c.use() {
		a.free()
		return nil, errorOf(Closed, a.path)
	}
	defer c.done()
	if err := ctx.Err(); err != nil {
		a.free()
		return nil, errorOfContext(err, a.path, false)
	}
	request, err := a.finish()
	if err != nil {
		return nil, err
	}
	defer c.calls.Add(-1)
	var r *reply
	if c.calls.Add(1) == 1 && ctx.Done() == nil {
		raw := packed{[]byte(swig.Packed_perform(c.handle, request, noDeadline))}
		r = raw.reply()
	} else if r, err = c.pump.call(ctx, a, request); err != nil {
		return nil, err
	}
	if r.err != nil {
		return r, r.err
	}
	return r, nil
}

// SessionState as it is known here.
func (c *Client) SessionState() SessionState {
	if !c.use() {
		return SessionLost
	}
	defer c.done()
	return SessionState(swig.Session_state_of(c.handle))
}

// SessionID is 0 without a session. The first write opens one.
func (c *Client) SessionID() int64 {
	if !c.use() {
		return 0
	}
	defer c.done()
	return swig.Session_id(c.handle)
}

// SessionKey is what another client takes the session over with, as secret as a password; the zero value without a
// session.
func (c *Client) SessionKey() SessionKey {
	if !c.use() {
		return SessionKey{}
	}
	defer c.done()
	raw := packed{[]byte(swig.Packed_session_key(c.handle))}
	return SessionKey{ID: raw.long(), Token: raw.data()}
}

// GoodUntil is on CLOCK_BOOTTIME: until then the session does not expire. 0: there is none.
func (c *Client) GoodUntil() time.Duration {
	if !c.use() {
		return 0
	}
	defer c.done()
	return time.Duration(swig.Session_good_until_ms(c.handle)) * time.Millisecond
}

// SetEventLimit says how many events of watches wait for somebody to read them, 65,536 if nothing was said, or any
// number with 0; then one that is Missed stands for those that are not kept.
func (c *Client) SetEventLimit(events uint32) {
	if c.use() {
		defer c.done()
		swig.Set_event_limit(c.handle, uint(events))
	}
}

// Version is that of libzooid, as it is loaded.
func Version() string { return swig.Version() }

// ClientPort is where the agent speaks ZooKeeper's protocol; 0: nowhere.
func (c *Client) ClientPort() int {
	if !c.use() {
		return 0
	}
	defer c.done()
	return int(swig.Client_port(c.handle))
}

// LastZxid is the highest zxid that this client has seen.
func (c *Client) LastZxid() int64 {
	if !c.use() {
		return 0
	}
	defer c.done()
	return swig.Last_zxid(c.handle)
}
