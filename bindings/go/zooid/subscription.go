package zooid

import (
	"context"
	"strings"

	"zooid/internal/swig"
)

// Cursor is behind change number Index of txn Zxid: where a subscription goes on.
type Cursor struct {
	Zxid  int64
	Index uint32
}

// Update is what a subscription tells: the node as it is behind the change. Cursor is nil within a snapshot. EndsTxn marks
// the last change of each transaction, and CaughtUp: there, what has been told is the tree as it was at one zxid.
type Update struct {
	Change     Change
	Path       string
	Data       []byte
	Stat       *Stat
	Zxid       int64
	Cursor     *Cursor
	FellBehind bool
	EndsTxn    bool
}

func (p *packed) update(e rawEvent) Update {
	u := Update{Change: e.event.Change, Path: e.event.Path, Zxid: e.event.Zxid}
	switch e.kind {
	case eventReset:
		u.Change = Reset
	case eventCaughtUp:
		u.Change = CaughtUp
	}
	u.Data, u.Stat = p.data(), p.stat()
	hasCursor, cursor := p.truth(), Cursor{p.long(), p.number()}
	if hasCursor {
		u.Cursor = &cursor
	}
	u.FellBehind, u.EndsTxn = p.truth(), p.truth()
	return u
}

// SubscribeOption says how a subscription begins and what it tells.
type SubscribeOption func(s *subscribing)

type subscribing struct {
	also                         []string
	cursor                       *Cursor
	withoutData, withoutSnapshot bool
	window                       uint32
}

// AlsoBelow adds further prefixes: all is told in one order, with one cursor, a node below two of them once.
func AlsoBelow(prefixes ...string) SubscribeOption {
	return func(s *subscribing) { s.also = append(s.also, prefixes...) }
}

// Behind goes on where another subscription stood.
func Behind(cursor Cursor) SubscribeOption { return func(s *subscribing) { s.cursor = &cursor } }

// NoData leaves the data out.
func NoData() SubscribeOption { return func(s *subscribing) { s.withoutData = true } }

// NoSnapshot begins with the next change; where a snapshot would be needed, the subscription ends.
func NoSnapshot() SubscribeOption { return func(s *subscribing) { s.withoutSnapshot = true } }

// Window is how many bytes may wait here for a reader.
func Window(bytes uint32) SubscribeOption { return func(s *subscribing) { s.window = bytes } }

// Subscription hands out every change below a prefix, in the order of the commits, none missing and none twice. It
// begins with a snapshot: Reset, the nodes that are Present, CaughtUp; a Reset may come again, see zooid.h. It has a
// connection of its own: what nobody reads waits at the agent. Its channel is closed when it ends; Err tells why.
type Subscription struct {
	feed
	out chan Update
}

// Subscribe begins a subscription; the context is for its connection only, which is logged in as this one is by then.
func (c *Client) Subscribe(ctx context.Context, prefix string, options ...SubscribeOption) (*Subscription, error) {
	var how subscribing
	for _, option := range options {
		option(&how)
	}
	s := &Subscription{out: make(chan Update)}
	if err := s.begin(ctx, c, how.ask(prefix)); err != nil {
		return nil, err
	}
	go s.run(func() { close(s.out) }, s.tell)
	return s, nil
}

// tell hands out an update.
func (s *Subscription) tell(e rawEvent) bool {
	switch e.kind {
	case eventChange, eventReset, eventCaughtUp:
		select {
		case s.out <- e.update:
		case <-s.over:
			return false
		}
	}
	return true
}

func (how subscribing) ask(prefix string) *ask {
	a := newAsk(prefix, swig.Request_subscribe)
	if a.code != ok {
		return a
	}
	a.addPaths(how.also)
	if how.cursor != nil {
		a.add(swig.Request_behind(a.request, how.cursor.Zxid, uint(how.cursor.Index)))
	}
	if how.withoutData {
		a.add(swig.Request_set_without_data(a.request))
	}
	if how.withoutSnapshot {
		a.add(swig.Request_set_without_snapshot(a.request))
	}
	if how.window != 0 {
		a.add(swig.Request_set_window(a.request, uint(how.window)))
	}
	return a
}

// Updates comes to its end when the subscription does.
func (s *Subscription) Updates() <-chan Update { return s.out }

func hasZero(texts ...string) bool { return strings.ContainsRune(strings.Join(texts, ""), 0) }
