package zooid

import (
	"context"
	"sync"

	"zooid/internal/swig"
)

// feed is a connection on which one request has an answer after the other, for as long as somebody wants them.
type feed struct {
	source  *Client
	over    chan struct{}
	once    sync.Once
	mutex   sync.Mutex
	err     error
	pending uint64
}

// begin opens the connection, logged in as the other one is, and submits what is asked.
func (f *feed) begin(ctx context.Context, like *Client, a *ask) error {
	request, err := a.finish()
	if err != nil {
		return err
	}
	if err := f.open(ctx, like, a.path); err != nil {
		swig.Request_free(request)
		return err
	}
	f.over = make(chan struct{})
	f.pending = swig.Submit(f.source.handle, request, noDeadline)
	if f.pending == 0 {
		_ = f.source.Close()
		return errorOf(NoMemory, a.path)
	}
	f.source.inUse.RLock()
	return nil
}

func (f *feed) open(ctx context.Context, like *Client, path string) error {
	if !like.use() {
		return errorOf(Closed, path)
	}
	defer like.done()
	connection := like.options
	connection.Watchdog, connection.Linger, connection.Resume = 0, 0, SessionKey{} // it has no session
	source, err := Open(ctx, connection)
	if err != nil {
		return err
	}
	raw := packed{[]byte(swig.Packed_repeat_logins(source.handle, like.handle, uint(deadlineOf(ctx))))}
	if answer := raw.reply(); answer.err != nil {
		_ = source.Close()
		return answer.err
	}
	f.source = source
	return nil
}

// run is begun with the source in use. One event at a time: what is fetched does not count for the window any more.
func (f *feed) run(finish func(), tell func(e rawEvent) bool) {
	defer finish()
	defer f.source.done()
	for !f.source.closed.Load() {
		raw := packed{[]byte(swig.Packed_events(f.source.handle, fetchWaitMs, 1))}
		if len(raw.rest) == 0 {
			continue
		}
		e := raw.rawEvent()
		if e.kind == eventReply {
			f.end(e.reply.err)
			return
		}
		if !tell(e) {
			return
		}
	}
}

func (f *feed) end(err *Error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if err != nil && err.Code != Closed {
		f.err = err
	}
}

// Err tells why it ended; nil: it did not, or was closed.
func (f *feed) Err() error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.err
}

// Close ends it. It may be called again.
func (f *feed) Close() error {
	var err error
	f.once.Do(func() {
		close(f.over)
		err = f.source.Close()
	})
	return err
}
