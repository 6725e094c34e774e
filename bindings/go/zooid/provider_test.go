package zooid_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"zooid"
	"zooid/zooidtest"
)

func upper(_ context.Context, call *zooid.Called) ([]byte, error) {
	words, err := call.Words()
	if err != nil {
		return nil, err
	}
	return json.Marshal(strings.ToUpper(strings.Join(words, " ")))
}

func refuse(err error) func(context.Context, *zooid.Called) ([]byte, error) {
	return func(context.Context, *zooid.Called) ([]byte, error) { return nil, err }
}

func provide(
	t *testing.T, c *zooid.Client, name string, commands map[string]zooid.Command, options ...zooid.ProvideOption,
) *zooid.Provider {
	t.Helper()
	p, err := c.Provide(context.Background(), name, commands, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestCommandsAreOfferedAndCalled(t *testing.T) {
	c := zooidtest.Start(t).Client()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p := provide(t, c, "go", map[string]zooid.Command{
		"upper":   {Help: "WORD ...: louder", Run: upper},
		"coded":   {Run: refuse(zooid.NoNode)},
		"told":    {Run: refuse(&zooid.Error{Code: zooid.NotEmpty, Message: "full"})},
		"other":   {Run: refuse(errors.New("broken"))},
		"nothing": {Admin: true},
	}, zooid.Description("for this test"))
	answer, err := c.Call(ctx, "go", "upper", zooid.Args("a", "b"))
	if err != nil || string(answer) != `"A B"` {
		t.Fatalf("%s %v", answer, err)
	}
	if answer, err = c.Call(ctx, "go", "upper", nil); err != nil || string(answer) != `""` {
		t.Fatalf("%s %v", answer, err)
	}
	for command, code := range map[string]zooid.Code{
		"coded": zooid.NoNode, "told": zooid.NotEmpty, "other": zooid.SystemError, "nothing": zooid.NoSuchProvider,
		"none": zooid.NoSuchProvider, "a\x00b": zooid.BadArguments,
	} {
		if _, err := c.Call(ctx, "go", command, zooid.Args()); !errors.Is(err, code) {
			t.Errorf("%s: %v", command, err)
		}
	}
	if _, err := c.Call(ctx, "go", "upper", zooid.NamedArgs(map[string]any{"a": 1})); !errors.Is(err, zooid.BadArguments) {
		t.Errorf("%v", err)
	}
	if _, err := c.Provide(ctx, "go", nil); !errors.Is(err, zooid.ProviderExists) {
		t.Errorf("%v", err)
	}
	if err := p.Close(); err != nil || p.Err() != nil {
		t.Errorf("%v %v", err, p.Err())
	}
	<-p.Done()
	if _, err := c.Call(ctx, "go", "upper", nil); !errors.Is(err, zooid.NoSuchProvider) {
		t.Errorf("%v", err)
	}
}

func TestANameIsTakenOver(t *testing.T) {
	c := zooidtest.Start(t).Client()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	begun, finish, answers := make(chan struct{}), make(chan struct{}), make(chan string, 1)
	former := provide(t, c, "taken", map[string]zooid.Command{"do": {
		Run: func(context.Context, *zooid.Called) ([]byte, error) {
			close(begun)
			<-finish
			return []byte("old"), nil
		}}})
	go func() {
		answer, _ := c.Call(ctx, "taken", "do", nil)
		answers <- string(answer)
	}()
	<-begun
	provide(t, c, "taken", map[string]zooid.Command{"do": {
		Run: func(context.Context, *zooid.Called) ([]byte, error) { return []byte("new"), nil },
	}}, zooid.Replace())
	<-former.Done()
	if !errors.Is(former.Err(), zooid.ProviderReplaced) {
		t.Errorf("%v", former.Err())
	}
	if answer, err := c.Call(ctx, "taken", "do", nil); err != nil || string(answer) != "new" {
		t.Errorf("%s %v", answer, err)
	}
	close(finish)
	if answer := <-answers; answer != "old" {
		t.Errorf("%q", answer)
	}
}

// The command may see first that the time is over.
func TestTheErrorOfACommandsContext(t *testing.T) {
	c := zooidtest.Start(t).Client()
	for cause, code := range map[error]zooid.Code{
		context.DeadlineExceeded: zooid.DeadlineExceeded, context.Canceled: zooid.Cancelled} {
		cause := cause
		p := provide(t, c, "late", map[string]zooid.Command{"do": {
			Run: func(context.Context, *zooid.Called) ([]byte, error) { return nil, cause }}}, zooid.Replace())
		_, err := c.Call(ctx, "late", "do", nil)
		var failed *zooid.Error
		check(t, errors.As(err, &failed) && failed.Code == code && failed.OutcomeUnknown && errors.Is(err, cause), err)
		check(t, p.Close() == nil)
	}
}

func TestACallThatNobodyWaitsForEndsItsContext(t *testing.T) {
	c := zooidtest.Start(t).Client()
	ended := make(chan struct{})
	provide(t, c, "hangs", map[string]zooid.Command{"do": {
		Run: func(ctx context.Context, _ *zooid.Called) ([]byte, error) {
			<-ctx.Done()
			close(ended)
			return nil, ctx.Err()
		}}})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Call(ctx, "hangs", "do", nil)
	var failed *zooid.Error
	if !errors.As(err, &failed) || !errors.Is(err, context.DeadlineExceeded) || !failed.OutcomeUnknown {
		t.Errorf("%v", err)
	}
	<-ended
}
