package zooid

import (
	"context"

	"zooid/internal/swig"
)

// LogLine is a line of the agent's log. Missed says how many before it could not be kept.
type LogLine struct {
	Text   string
	Missed uint32
}

// Monitor hands out the agent's log as it is written, through a channel, which is closed when it ends; Err tells why.
// Lines that nobody reads are counted.
type Monitor struct {
	feed
	out chan LogLine
}

// Monitor begins to follow the log: lines of that level ("error", "warn", "info", "debug") and worse, whatever the log
// itself has; for administrators. The context is for its connection only.
func (c *Client) Monitor(ctx context.Context, level string) (*Monitor, error) {
	m := &Monitor{out: make(chan LogLine)}
	if err := m.begin(ctx, c, newAsk(level, swig.Request_monitor)); err != nil {
		return nil, err
	}
	go m.run(func() { close(m.out) }, m.tell)
	return m, nil
}

func (m *Monitor) tell(e rawEvent) bool {
	if e.kind != eventLog {
		return true
	}
	select {
	case m.out <- LogLine{Text: e.event.Path, Missed: e.missed}:
		return true
	case <-m.over:
		return false
	}
}

// Lines comes to its end when the monitor does.
func (m *Monitor) Lines() <-chan LogLine { return m.out }
