package zooid

import (
	"context"
	"strings"
	"sync"
	"time"

	"zooid/internal/swig"
)

// Stream hands out events through a channel, which is closed when the stream or its client is. Events that are not
// read are kept, up to 65,536; then one that is Missed stands for those that are not.
type Stream struct {
	client    *Client
	path      string // empty: everything
	below     string // with recursive: what begins with this
	watched   bool
	out       chan Event
	mutex     sync.Mutex
	changed   sync.Cond
	kept      []Event
	ended     bool
	abandoned chan struct{} // closed with the stream: nobody reads any more
	once      sync.Once
}

const (
	keptMax       = 65536
	unwatchWithin = 5 * time.Second
)

func newStream(c *Client, path string, recursive bool) *Stream {
	s := &Stream{client: c, path: path, out: make(chan Event), abandoned: make(chan struct{})}
	s.changed.L = &s.mutex
	if recursive {
		s.below = strings.TrimSuffix(path, "/") + "/"
	}
	go s.forward()
	return s
}

// Events comes to its end when the stream or its client is closed.
func (s *Stream) Events() <-chan Event { return s.out }

// Close ends the stream. It may be called again.
func (s *Stream) Close() error {
	var err error
	s.once.Do(func() {
		was, shared := s.client.pump.remove(s)
		close(s.abandoned)
		s.finish()
		if was && !shared && s.watched {
			err = s.unwatch()
		}
	})
	return err
}

// A watch that cannot be taken back goes with the connection.
func (s *Stream) unwatch() error {
	ctx, cancel := context.WithTimeout(context.Background(), unwatchWithin)
	defer cancel()
	_, err := s.client.run(ctx, newAsk(s.path, swig.Request_remove_watch))
	return err
}

func (s *Stream) matches(e rawEvent) bool {
	switch {
	case e.kind == eventLost:
		return false
	case s.path == "", e.kind == eventOverflow:
		return true
	case e.kind == eventSession:
		return false
	}
	return e.event.Path == s.path || s.below != "" && strings.HasPrefix(e.event.Path, s.below)
}

// offer never waits.
func (s *Stream) offer(e rawEvent) {
	if !s.matches(e) {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.kept) < keptMax {
		s.kept = append(s.kept, e.event)
	} else if s.kept[len(s.kept)-1].Change != Missed {
		s.kept = append(s.kept, Event{Change: Missed, Zxid: e.event.Zxid})
	}
	s.changed.Signal()
}

// finish lets forward end when it has handed out what is kept.
func (s *Stream) finish() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.ended = true
	s.changed.Signal()
}

func (s *Stream) forward() {
	defer close(s.out)
	for {
		s.mutex.Lock()
		for len(s.kept) == 0 && !s.ended {
			s.changed.Wait()
		}
		batch := s.kept
		s.kept = nil
		s.mutex.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, e := range batch {
			select {
			case s.out <- e:
			case <-s.abandoned:
				return
			}
		}
	}
}

// Watch tells every change of the node and of its list of children, or with Recursive of all nodes below it too, until
// the stream is closed. The node need not exist.
func (c *Client) Watch(ctx context.Context, path string, options ...WatchOption) (*Stream, error) {
	mode := watchPersistent
	for _, option := range options {
		option(&mode)
	}
	s := newStream(c, path, mode == watchRecursive)
	if !c.pump.add(s) {
		_ = s.Close()
		return nil, errorOf(Closed, path)
	}
	a := newAsk(path, func(path string) uintptr { return swig.Request_add_watch(path, mode) })
	if _, err := c.run(ctx, a); err != nil {
		_ = s.Close()
		return nil, err
	}
	s.watched = true
	return s, nil
}

// WatchOption is Recursive.
type WatchOption func(mode *int)

const (
	watchPersistent = iota
	watchRecursive
)

// Recursive watches all nodes below too.
func Recursive() WatchOption { return func(mode *int) { *mode = watchRecursive } }

// Events tells everything from now on: changes of the session, and events of all watches, also of those that Get and
// its like set with WithWatch.
func (c *Client) Events() *Stream {
	s := newStream(c, "", false)
	if !c.pump.add(s) {
		_ = s.Close()
	}
	return s
}
