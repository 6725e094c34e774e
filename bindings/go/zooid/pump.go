package zooid

import (
	"context"
	"sync"

	"zooid/internal/swig"
)

// pump is the one goroutine that fetches events, as long as somebody waits for one: a reply to a submitted request, or
// what a stream is told.
type pump struct {
	client  *Client
	mutex   sync.Mutex
	wanted  sync.Cond // waiting or streams have become more, or it is over
	waiting map[uint64]chan *reply
	streams []*Stream
	running bool
	ended   bool
}

const (
	eventsAtOnce = 64
	fetchWaitMs  = 100 // then it looks whether anybody waits still
)

func newPump(c *Client) *pump {
	p := &pump{client: c, waiting: map[uint64]chan *reply{}}
	p.wanted.L = &p.mutex
	return p
}

func (p *pump) wake() {
	if !p.running && !p.ended {
		p.running = true
		go p.run()
	}
	p.wanted.Signal()
}

// call submits the request and waits for its reply, or the end of the context. The client is in use.
func (p *pump) call(ctx context.Context, a *ask, request uintptr) (*reply, error) {
	answer := make(chan *reply, 1)
	p.mutex.Lock()
	ticket := swig.Submit(p.client.handle, request, uint(deadlineOf(ctx)))
	if ticket == 0 {
		p.mutex.Unlock()
		if p.client.closed.Load() {
			return nil, errorOf(Closed, a.path)
		}
		return nil, errorOf(NoMemory, a.path)
	}
	p.waiting[ticket] = answer
	p.wake()
	p.mutex.Unlock()
	select {
	case r := <-answer:
		return r, nil
	case <-ctx.Done():
		p.mutex.Lock()
		delete(p.waiting, ticket)
		p.mutex.Unlock()
		swig.Cancel(p.client.handle, ticket)
		return nil, errorOfContext(ctx.Err(), a.path, a.writes)
	}
}

func (p *pump) isWanted() bool { return len(p.waiting) > 0 || len(p.streams) > 0 }

func (p *pump) run() {
	if !p.client.use() {
		p.finish()
		return
	}
	for {
		p.mutex.Lock()
		for !p.isWanted() && !p.ended {
			p.wanted.Wait()
		}
		over := p.ended
		p.mutex.Unlock()
		events := packed{[]byte(swig.Packed_events(p.client.handle, fetchWaitMs, eventsAtOnce))}
		if over && len(events.rest) == 0 {
			break
		}
		for len(events.rest) > 0 {
			p.take(events.rawEvent())
		}
	}
	p.client.done()
	p.finish()
}

func (p *pump) take(e rawEvent) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if e.kind == eventReply {
		if answer, waits := p.waiting[e.ticket]; waits {
			delete(p.waiting, e.ticket)
			answer <- e.reply
		}
		return
	}
	for _, s := range p.streams {
		s.offer(e)
	}
}

// end is called when the library has answered everything that was open, which run hands out yet.
func (p *pump) end() {
	p.mutex.Lock()
	p.ended = true
	running := p.running
	p.wanted.Broadcast()
	p.mutex.Unlock()
	if !running {
		p.finish()
	}
}

// finish closes what is still open.
func (p *pump) finish() {
	p.mutex.Lock()
	streams := p.streams
	p.streams = nil
	for ticket, answer := range p.waiting {
		delete(p.waiting, ticket)
		answer <- &reply{err: errorOf(Closed, "")}
	}
	p.mutex.Unlock()
	for _, s := range streams {
		s.finish()
	}
}

func (p *pump) add(s *Stream) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.ended {
		return false
	}
	p.streams = append(p.streams, s)
	p.wake()
	return true
}

// remove tells whether it was there, and whether another stream has the same path.
func (p *pump) remove(s *Stream) (was, shared bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for i, other := range p.streams {
		if other == s {
			was = true
			p.streams = append(p.streams[:i], p.streams[i+1:]...)
			break
		}
	}
	for _, other := range p.streams {
		shared = shared || other.path == s.path
	}
	return was, shared
}
