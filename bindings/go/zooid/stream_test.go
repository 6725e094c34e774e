package zooid_test

import (
	"fmt"
	"testing"

	"zooid"
	"zooid/zooidtest"
)

// next of a node; what the session tells comes when it likes.
func next(s *zooid.Stream) (zooid.Event, bool) {
	event, open := <-s.Events()
	for open && event.Change == zooid.SessionChanged {
		event, open = <-s.Events()
	}
	return event, open
}

func expect(t *testing.T, s *zooid.Stream, changes ...zooid.Event) {
	t.Helper()
	for _, wanted := range changes {
		got, open := next(s)
		check(t, open && got.Change == wanted.Change && got.Path == wanted.Path, got, wanted)
	}
}

func TestAWatchIsAChannel(t *testing.T) {
	c := zooidtest.Start(t).Client()
	w := must[*zooid.Stream](t)(c.Watch(ctx, "/w"))
	must[string](t)(c.Create(ctx, "/w", nil))
	must[*zooid.Stat](t)(c.Set(ctx, "/w", nil, zooid.AnyVersion))
	must[string](t)(c.Create(ctx, "/w/child", nil))
	expect(t, w, zooid.Event{Change: zooid.Created, Path: "/w"}, zooid.Event{Change: zooid.Changed, Path: "/w"},
		zooid.Event{Change: zooid.ChildrenChanged, Path: "/w"})
	check(t, w.Close() == nil && w.Close() == nil)
	_, open := <-w.Events()
	check(t, !open)
}

func TestStreamsGetTheirOwn(t *testing.T) {
	c := zooidtest.Start(t).Client()
	below := must[*zooid.Stream](t)(c.Watch(ctx, "/r", zooid.Recursive()))
	other := must[*zooid.Stream](t)(c.Watch(ctx, "/other"))
	twice := must[*zooid.Stream](t)(c.Watch(ctx, "/other"))
	all := c.Events()
	check(t, twice.Close() == nil && c.EnsurePath(ctx, "/r/a") == nil)
	must[string](t)(c.Create(ctx, "/other", nil))
	expect(t, below, zooid.Event{Change: zooid.Created, Path: "/r"}, zooid.Event{Change: zooid.Created, Path: "/r/a"})
	expect(t, other, zooid.Event{Change: zooid.Created, Path: "/other"})
	for _, path := range []string{"/r", "/r/a", "/other"} {
		event, _ := next(all)
		check(t, event.Path == path, event)
	}
}

func TestOneShotWatches(t *testing.T) {
	c := zooidtest.Start(t).Client()
	must[string](t)(c.Create(ctx, "/a", nil))
	all := c.Events()
	must[*zooid.Node](t)(c.Get(ctx, "/a", zooid.WithWatch()))
	check(t, c.Delete(ctx, "/a", zooid.AnyVersion) == nil)
	expect(t, all, zooid.Event{Change: zooid.Deleted, Path: "/a"})
}

func TestAReaderThatIsLateMissesNothing(t *testing.T) {
	c := zooidtest.Start(t).Client()
	w := must[*zooid.Stream](t)(c.Watch(ctx, "/many", zooid.Recursive()))
	must[string](t)(c.Create(ctx, "/many", nil))
	for i := 0; i < 300; i++ {
		must[string](t)(c.Create(ctx, fmt.Sprintf("/many/%d", i), nil))
	}
	expect(t, w, zooid.Event{Change: zooid.Created, Path: "/many"})
	for i := 0; i < 300; i++ {
		expect(t, w, zooid.Event{Change: zooid.Created, Path: fmt.Sprintf("/many/%d", i)})
	}
}
