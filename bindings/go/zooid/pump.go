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
	losable map[uint64]func()
	running bool
	ended   bool
}

const (
	eventsAtOnce = 64
	fetchWaitMs  = 100 // then it looks whether anybody waits still
)

func newPump(c *Client) *pump {
	p := &pump{client: c, waiting: map[uint64]chan *reply{}, losable: map[uint64]func(){}}
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

// submit notes who waits for the reply before it can come. The client is in use.
func (p *pump) submit(path string, submit func() uint64) (uint64, chan *reply, error) {
	answer := make(chan *reply, 1)
	p.mutex.Lock()
	defer p.mutex.Unlock()
	ticket := submit()
	if ticket == 0 {
		if p.client.closed.Load() {
			return 0, nil, errorOf(Closed, path)
		}
		return 0, nil, errorOf(NoMemory, path)
	}
	p.waiting[ticket] = answer
	p.wake()
	return ticket, answer, nil
}

// call submits the request and waits for its reply, or the end of the context.
func (p *pump) call(ctx context.Context, a *ask, request uintptr) (*reply, error) {
	ticket, answer, err := p.submit(a.path, func() uint64 {
		return swig.Submit(p.client.handle, request, uint(deadlineOf(ctx)))
	})
	if err != nil {
		return nil, err
	}
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

// await is for recipes, which answer at once when they are cancelled: only the reply tells what is held.
func (p *pump) await(ctx context.Context, path string, submit func() uint64) (*reply, error) {
	ticket, answer, err := p.submit(path, submit)
	if err != nil {
		return nil, err
	}
	var r *reply
	select {
	case r = <-answer:
	case <-ctx.Done():
		swig.Cancel(p.client.handle, ticket)
		if r = <-answer; r.err != nil && r.err.Code == Cancelled {
			return nil, errorOfContext(ctx.Err(), path, r.err.OutcomeUnknown)
		}
	}
	if r.err != nil {
		return r, r.err
	}
	return r, nil
}

func (p *pump) isWanted() bool { return len(p.waiting)+len(p.streams)+len(p.losable) > 0 }

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
	if lost, holds := p.losable[e.ticket]; holds && e.kind == eventLost {
		delete(p.losable, e.ticket)
		lost()
	}
	for _, s := range p.streams {
		s.offer(e)
	}
}

// tellLost lets `lost` be called when the recipe of this number has lost what it held; nil ends that.
func (p *pump) tellLost(number uint64, lost func()) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if lost == nil {
		delete(p.losable, number)
		return
	}
	p.losable[number] = lost
	p.wake()
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
