package zooid

import (
	"encoding/binary"
	"time"
	"unsafe"
)

// How the machine orders bytes, which is how go_values.c of bindings/swig writes numbers.
var order = func() binary.ByteOrder {
	one := uint16(1)
	if *(*byte)(unsafe.Pointer(&one)) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}()

const noText = 1<<32 - 1

// packed is read from its beginning. What is too short was cut for lack of memory: it reads as zeros.
type packed struct {
	rest []byte
}

func (p *packed) take(count int) []byte {
	if count > len(p.rest) {
		p.rest = nil
		return make([]byte, 8)[:min(count, 8)]
	}
	taken := p.rest[:count]
	p.rest = p.rest[count:]
	return taken
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

func (p *packed) number() uint32 { return order.Uint32(p.take(4)) }
func (p *packed) long() int64    { return int64(order.Uint64(p.take(8))) }
func (p *packed) truth() bool    { return p.number() != 0 }

// data is nil for null, and a part of what is read: nobody writes there.
func (p *packed) data() []byte {
	size := p.number()
	if size == noText || int(size) > len(p.rest) {
		return nil
	}
	taken := p.take(int(size))
	return taken[:len(taken):len(taken)]
}

func (p *packed) text() string { return string(p.data()) }

func (p *packed) stat() *Stat {
	if !p.truth() {
		return nil
	}
	var n [12]int64
	for i := range n {
		n[i] = p.long()
	}
	return &Stat{
		Czxid: n[0], Mzxid: n[1], Ctime: time.UnixMilli(n[2]), Mtime: time.UnixMilli(n[3]),
		Version: int32(n[4]), Cversion: int32(n[5]), Aversion: int32(n[6]),
		EphemeralOwner: n[7], DataLength: int32(n[8]), NumChildren: int32(n[9]), Pzxid: n[10], Kind: Kind(n[11]),
	}
}

// texts, as everything that is counted, end with what is there.
func (p *packed) texts() []string {
	count := p.number()
	texts := make([]string, 0, min(int(count), len(p.rest)/4))
	for ; count > 0 && len(p.rest) > 0; count-- {
		texts = append(texts, p.text())
	}
	return texts
}

type reply struct {
	err      *Error // nil: it has succeeded
	path     string
	state    State
	data     []byte
	stat     *Stat
	number   uint64
	complete bool
	names    []string
	nodes    []packedNode
	acls     []ACL
}

type packedNode struct {
	code     Code
	path     string
	data     []byte
	stat     *Stat
	children []string
}

func (p *packed) node() packedNode {
	return packedNode{Code(int32(p.number())), p.text(), p.data(), p.stat(), p.texts()}
}

func (p *packed) reply() *reply {
	if len(p.rest) == 0 {
		return &reply{err: errorOf(NoMemory, "")}
	}
	code, message := Code(int32(p.number())), p.text()
	r := &reply{path: p.text()}
	retry, unknown := p.truth(), p.truth()
	r.state = State{Zxid: p.long(), Age: time.Duration(p.number()) * time.Millisecond, Role: Role(p.number())}
	r.data, r.stat, r.number, r.complete = p.data(), p.stat(), uint64(p.long()), p.truth()
	r.names = p.texts()
	for count := p.number(); count > 0 && len(p.rest) > 0; count-- {
		r.nodes = append(r.nodes, p.node())
	}
	for count := p.number(); count > 0 && len(p.rest) > 0; count-- {
		r.acls = append(r.acls, ACL{Perm(p.number()), p.text(), p.text()})
	}
	if code != ok {
		r.err = &Error{Code: code, Message: message, Path: r.path, Retry: retry, OutcomeUnknown: unknown}
		r.err.Results = r.results()
	}
	return r
}

func (r *reply) statOrNone() Stat {
	if r.stat == nil {
		return Stat{}
	}
	return *r.stat
}

func (r *reply) results() []Result {
	var results []Result
	for _, n := range r.nodes {
		result := Result{Path: n.path, Stat: n.stat}
		if n.code != ok {
			result.Err = errorOf(n.code, n.path)
		}
		results = append(results, result)
	}
	return results
}

func (r *reply) children() *Children {
	return &Children{r.names, r.statOrNone(), r.complete, r.state.Zxid}
}

func (r *reply) nodeList() []Node {
	nodes := make([]Node, len(r.nodes))
	for i, n := range r.nodes {
		nodes[i] = Node{Path: n.path, Data: n.data, Zxid: r.state.Zxid, Children: n.children}
		if n.stat != nil {
			nodes[i].Stat = *n.stat
		}
	}
	return nodes
}

// What the library's queue holds.
const (
	eventReply = 1 + iota
	eventSession
	eventWatch
	eventOverflow
	eventLost
	eventChange
	eventReset
	eventCaughtUp
	eventChunk
	eventOffer
	eventCall
	eventCallOver
	eventLog
)

type rawEvent struct {
	kind   uint32
	ticket uint64
	event  Event
	reply  *reply // of eventReply and eventLost
	update Update // of a subscription
	call   uint64 // of a provider
	called Called
	left   time.Duration
	missed uint32 // of the log: lines before it
}

func (p *packed) rawEvent() rawEvent {
	e := rawEvent{kind: p.number(), ticket: uint64(p.long())}
	e.event = Event{Session: SessionState(p.number()), Change: Change(p.number()), Path: p.text(), Zxid: p.long()}
	switch e.kind {
	case eventReply, eventLost:
		e.reply = p.reply()
	case eventChange, eventReset, eventCaughtUp:
		e.update = p.update(e)
	case eventCall:
		e.call = uint64(p.long())
		e.called = Called{Command: p.text(), Caller: p.text(), Request: append([]byte{}, p.data()...)}
		e.left = time.Duration(p.long()) * time.Millisecond
	case eventCallOver:
		e.call = uint64(p.long())
	case eventLog:
		e.missed = p.number()
	case eventOverflow:
		e.event.Change = Missed
	}
	return e
}
