package zooid

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"zooid/internal/swig"
)

// Call runs a command that a plugin or another program on this host offers. Request and answer are bytes, by convention
// JSON: see Args and NamedArgs.
func (c *Client) Call(ctx context.Context, provider, command string, request []byte) ([]byte, error) {
	a := &ask{writes: true} // it may have its effect, whoever waits
	if a.checkTexts(provider, command) {
		if a.request = swig.Request_call(provider, command, request); a.request == 0 {
			a.code = NoMemory
		}
	}
	r, err := c.run(ctx, a)
	if err != nil {
		return nil, err
	}
	return append([]byte{}, r.data...), nil
}

// Args is the request that a command line makes of its words: {"args": [...]}. What cannot be JSON is null.
func Args(words ...any) []byte {
	if words == nil {
		words = []any{}
	}
	return argsOf(words)
}

// NamedArgs is the request of parameters that have names: {"args": {...}}.
func NamedArgs(parameters map[string]any) []byte {
	if parameters == nil {
		parameters = map[string]any{}
	}
	return argsOf(parameters)
}

func argsOf(args any) []byte {
	request, err := json.Marshal(map[string]any{"args": args})
	if err != nil {
		return []byte(`{"args": null}`)
	}
	return request
}

// Called is a call that is to be answered.
type Called struct {
	Command string
	Caller  string // "uid:1000", "http"
	Request []byte
}

// Words are the arguments of a request that a command line, or Args, has made.
func (c *Called) Words() ([]string, error) {
	var request struct {
		Args *[]string `json:"args"`
	}
	if len(c.Request) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(c.Request, &request); err != nil || request.Args == nil {
		return nil, errorWith(BadArguments, `the request is not {"args": ["...", ...]}`)
	}
	return *request.Args, nil
}

// Command is what is offered. Run may be called by several goroutines at a time; its context ends when nobody waits for
// the answer any more. An error that is an *Error or a Code is told with that code.
type Command struct {
	Help  string // arguments, then what it does: "TOWN: how it is there"
	Admin bool   // only for administrators and this user
	Run   func(ctx context.Context, call *Called) ([]byte, error)
}

// ProvideOption says more about an offer.
type ProvideOption func(o *offering)

type offering struct {
	description string
	replace     bool
}

// Description is for people.
func Description(text string) ProvideOption { return func(o *offering) { o.description = text } }

// Replace takes the name over from another process of this user.
func Replace() ProvideOption { return func(o *offering) { o.replace = true } }

// Provider is an offer of commands that stands, and comes back after a reconnect, until it is closed or somebody takes
// its name over. It has a connection of its own.
type Provider struct {
	source   *Client
	commands map[string]Command
	ticket   uint64
	begun    chan struct{}
	over     chan struct{}
	once     sync.Once
	mutex    sync.Mutex
	err      error
	closing  bool
	inHand   map[uint64]context.CancelFunc
	running  sync.WaitGroup
}

const closeWithin = 5 * time.Second

// Provide offers commands under a name; it returns when the offer stands. The context is for that only.
func (c *Client) Provide(
	ctx context.Context, name string, commands map[string]Command, options ...ProvideOption,
) (*Provider, error) {
	var how offering
	for _, option := range options {
		option(&how)
	}
	if c.closed.Load() {
		return nil, errorOf(Closed, "")
	}
	connection := c.options
	connection.Watchdog, connection.Linger, connection.Resume = 0, 0, SessionKey{} // it has no session
	source, err := Open(ctx, connection)
	if err != nil {
		return nil, err
	}
	p := &Provider{
		source: source, commands: commands, begun: make(chan struct{}), over: make(chan struct{}),
		inHand: map[uint64]context.CancelFunc{},
	}
	if err := p.begin(ctx, how.ask(name, commands)); err != nil {
		_ = source.Close()
		return nil, err
	}
	return p, nil
}

func (how offering) ask(name string, commands map[string]Command) *ask {
	a := &ask{}
	if !a.checkTexts(name, how.description) {
		return a
	}
	if a.request = swig.Request_provide(name, how.description); a.request == 0 {
		a.code = NoMemory
		return a
	}
	for command, offer := range commands {
		if a.checkTexts(command, offer.Help) {
			a.add(swig.Request_add_offer(a.request, command, offer.Help, offer.Admin))
		}
	}
	if how.replace {
		a.add(swig.Request_set_replace(a.request))
	}
	return a
}

func (p *Provider) begin(ctx context.Context, a *ask) error {
	request, err := a.finish()
	if err != nil {
		return err
	}
	if p.ticket = swig.Submit(p.source.handle, request, noDeadline); p.ticket == 0 {
		return errorOf(NoMemory, "")
	}
	p.source.inUse.RLock()
	go p.run()
	select {
	case <-p.begun:
		return nil
	case <-p.over:
		return p.Err()
	case <-ctx.Done():
		return errorOfContext(ctx.Err(), "", true)
	}
}

// run is begun with the source in use.
func (p *Provider) run() {
	defer close(p.over)
	defer p.source.done()
	for !p.source.closed.Load() {
		events := packed{[]byte(swig.Packed_events(p.source.handle, fetchWaitMs, eventsAtOnce))}
		for len(events.rest) > 0 {
			e := events.rawEvent()
			if e.kind == eventReply && e.ticket == p.ticket {
				p.end(e.reply.err)
				return
			}
			p.take(e)
		}
	}
}

func (p *Provider) end(err *Error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err != nil && !p.closing {
		p.err = err
	}
}

func (p *Provider) take(e rawEvent) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch e.kind {
	case eventOffer:
		select {
		case <-p.begun:
		default:
			close(p.begun)
		}
	case eventCall:
		ctx, cancel := context.WithTimeout(context.Background(), e.left)
		p.inHand[e.call] = cancel
		p.running.Add(1)
		go p.answer(ctx, e.call, &e.called)
	case eventCallOver:
		if cancel, has := p.inHand[e.call]; has {
			cancel()
		}
	}
}

func (p *Provider) answer(ctx context.Context, call uint64, called *Called) {
	defer p.running.Done()
	command, has := p.commands[called.Command]
	var data []byte
	err := error(errorOf(NoSuchProvider, ""))
	if has && command.Run != nil {
		data, err = command.Run(ctx, called)
	}
	p.mutex.Lock()
	p.inHand[call]()
	delete(p.inHand, call)
	p.mutex.Unlock()
	if err == nil {
		swig.Call_answer(p.source.handle, call, data)
		return
	}
	code, message := refusalOf(err)
	swig.Call_refuse(p.source.handle, call, int(code), message)
}

func refusalOf(err error) (Code, string) {
	var known *Error
	var code Code
	switch {
	case errors.As(err, &known) && known.Code != ok:
		return known.Code, known.Message
	case errors.As(err, &code) && code != ok:
		return code, code.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return DeadlineExceeded, err.Error()
	case errors.Is(err, context.Canceled):
		return Cancelled, err.Error()
	}
	return SystemError, err.Error()
}

// Done is closed when the offer is over; Err tells why.
func (p *Provider) Done() <-chan struct{} { return p.over }

// Err tells why the offer is over; nil: it is not, or was closed.
func (p *Provider) Err() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.err
}

// Close ends the offer: no more calls come, and those that are in hand are answered first. It may be called again.
func (p *Provider) Close() error {
	var err error
	p.once.Do(func() {
		p.mutex.Lock()
		p.closing = true
		p.mutex.Unlock()
		swig.Cancel(p.source.handle, p.ticket)
		select {
		case <-p.over:
		case <-time.After(closeWithin):
		}
		p.running.Wait()
		err = p.source.Close()
	})
	return err
}
