package zooid_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"zooid"
	"zooid/zooidtest"
)

func soon() (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 50*time.Millisecond)
}

func TestLocks(t *testing.T) {
	agent := zooidtest.Start(t)
	c, other := agent.Client(), agent.Client()
	lock := must[*zooid.Lock](t)(c.NewLock("/lock", "ann"))
	rival := must[*zooid.Lock](t)(other.NewLock("/lock", "bob"))
	var last uint64
	for i := 0; i < 2; i++ {
		check(t, lock.Acquire(ctx) == nil && lock.IsHeld() && lock.Token() > last && lock.GoodUntil() > 0)
		last = lock.Token()
		check(t, must[[]zooid.Contender](t)(lock.Contenders(ctx))[0].Identifier == "ann")
		check(t, !must[bool](t)(rival.TryAcquire(ctx)))
		short, cancel := soon()
		err := rival.Acquire(short)
		cancel()
		check(t, errors.Is(err, context.DeadlineExceeded) && !rival.IsHeld(), err)
		check(t, lock.Release(ctx) == nil && !lock.IsHeld() && lock.Token() == 0)
	}
	check(t, errors.Is(lock.Release(ctx), zooid.NotHeld))
	check(t, must[bool](t)(rival.TryAcquire(ctx)) && rival.Close() == nil && rival.Close() == nil)
	check(t, errors.Is(rival.Acquire(ctx), zooid.Closed))
	check(t, lock.Acquire(ctx) == nil)
	_, err := c.NewLock("relative", "")
	check(t, errors.Is(err, zooid.BadArguments), err)
}

func TestALockThatIsLost(t *testing.T) {
	c := zooidtest.Start(t).Client()
	lock := must[*zooid.Lock](t)(c.NewLock("/lost", ""))
	check(t, lock.Acquire(ctx) == nil)
	name := must[[]zooid.Contender](t)(lock.Contenders(ctx))[0].Name
	check(t, c.Delete(ctx, "/lost/"+name, zooid.AnyVersion) == nil)
	<-lock.Lost()
	check(t, !lock.IsHeld() && errors.Is(lock.Release(ctx), zooid.NotHeld))
}

// An agent that does not answer holds nobody up who has given up.
func TestCancellingEndsWhatNobodyAnswers(t *testing.T) {
	agent := zooidtest.Start(t)
	c := agent.Client()
	lock := must[*zooid.Lock](t)(c.NewLock("/still/lock", ""))
	barrier := must[*zooid.Barrier](t)(c.NewBarrier("/still/barrier"))
	queue := must[*zooid.Queue](t)(c.NewQueue("/still/queue"))
	check(t, lock.Acquire(ctx) == nil && barrier.Set(ctx) == nil && c.EnsurePath(ctx, "/still/here") == nil)
	check(t, queue.Put(ctx, []byte("entry"), zooid.DefaultPriority) == nil)
	agent.Pause()
	defer agent.Continue()
	for name, ask := range map[string]func(context.Context) error{
		"contenders": func(ctx context.Context) error { _, err := lock.Contenders(ctx); return err },
		"lift":       barrier.Lift,
		"put":        func(ctx context.Context) error { return queue.Put(ctx, nil, zooid.DefaultPriority) },
		"members":    func(ctx context.Context) error { _, err := c.Members(ctx, "/still/group"); return err },
		"counter":    func(ctx context.Context) error { _, err := c.AddToCounter(ctx, "/still/counter", 1); return err },
		"ensure":     func(ctx context.Context) error { return c.EnsurePath(ctx, "/still/there") },
		"delete":     func(ctx context.Context) error { return c.DeleteRecursive(ctx, "/still/here") },
		"release":    lock.Release,
	} {
		waiting, cancel := context.WithCancel(ctx)
		ended := make(chan error)
		go func() { ended <- ask(waiting) }()
		cancel()
		err := <-ended
		check(t, errors.Is(err, context.Canceled) && errors.Is(err, zooid.Cancelled), name, err)
	}
}

// What queues, double barriers and presences hold can be lost, too: here with the session.
func TestWhatIsLostIsTold(t *testing.T) {
	agent := zooidtest.Start(t)
	c, other := agent.Client(), agent.Client()
	queue := must[*zooid.Queue](t)(c.NewQueue("/lost/queue"))
	inside := must[*zooid.DoubleBarrier](t)(c.NewDoubleBarrier("/lost/barrier", 1, "me"))
	presence := must[*zooid.Presence](t)(c.Keep("/lost/here", nil))
	must[string](t)(presence.Wait(ctx))
	check(t, other.Delete(ctx, "/lost/here", zooid.AnyVersion) == nil)
	gone := presence.Lost()
	must[string](t)(presence.Wait(ctx))
	check(t, queue.Put(ctx, []byte("entry"), zooid.DefaultPriority) == nil && inside.Enter(ctx) == nil)
	check(t, string(must[[]byte](t)(queue.Take(ctx))) == "entry")
	select {
	case <-queue.Lost():
		t.Fatal("it is held")
	case <-inside.Lost():
		t.Fatal("it is inside")
	default:
	}
	check(t, c.GoodUntil() > 0 && c.CloseSession(ctx) == nil)
	<-queue.Lost()
	<-inside.Lost()
	<-gone
	check(t, errors.Is(queue.Finish(ctx), zooid.NotHeld) && errors.Is(inside.Leave(ctx), zooid.NotHeld))
	check(t, string(must[[]byte](t)(queue.Take(ctx))) == "entry" && queue.Finish(ctx) == nil)
	check(t, queue.Close() == nil && inside.Close() == nil && presence.Close() == nil)
}

func TestCancellingEndsTheWait(t *testing.T) {
	c := zooidtest.Start(t).Client()
	first := must[*zooid.Lock](t)(c.NewLock("/wait", ""))
	second := must[*zooid.Lock](t)(c.NewLock("/wait", ""))
	check(t, first.Acquire(ctx) == nil)
	waiting, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- second.Acquire(waiting) }()
	cancel()
	check(t, errors.Is(<-ended, context.Canceled))
	go func() { ended <- second.Acquire(ctx) }()
	check(t, c.Close() == nil && errors.Is(<-ended, zooid.Closed) && first.Close() == nil)
}

func TestGoroutinesTakeTurns(t *testing.T) {
	agent := zooidtest.Start(t)
	inside, sum := 0, 0
	var wait sync.WaitGroup
	for i := 0; i < 4; i++ {
		lock := must[*zooid.Lock](t)(agent.Client().NewLock("/turns", fmt.Sprint(i)))
		wait.Add(1)
		go func() {
			defer wait.Done()
			for j := 0; j < 10; j++ {
				if lock.Acquire(ctx) != nil || inside != 0 {
					t.Error("two at a time")
				}
				inside++
				sum++
				inside--
				if lock.Release(ctx) != nil {
					t.Error("not held")
				}
			}
		}()
	}
	wait.Wait()
	check(t, sum == 40)
}

func TestReadersWritersSemaphores(t *testing.T) {
	c := zooidtest.Start(t).Client()
	read := must[*zooid.Lock](t)(c.NewReadLock("/rw", ""))
	more := must[*zooid.Lock](t)(c.NewReadLock("/rw", ""))
	write := must[*zooid.Lock](t)(c.NewWriteLock("/rw", ""))
	check(t, read.Acquire(ctx) == nil && more.Acquire(ctx) == nil && !must[bool](t)(write.TryAcquire(ctx)))
	check(t, read.Release(ctx) == nil && more.Release(ctx) == nil && write.Acquire(ctx) == nil)
	one := must[*zooid.Lock](t)(c.NewSemaphore("/s", 1, "one"))
	two := must[*zooid.Lock](t)(c.NewSemaphore("/s", 1, "two"))
	check(t, one.Acquire(ctx) == nil && !must[bool](t)(two.TryAcquire(ctx)))
}

func TestBarriers(t *testing.T) {
	agent := zooidtest.Start(t)
	c := agent.Client()
	barrier := must[*zooid.Barrier](t)(c.NewBarrier("/barrier"))
	check(t, barrier.Set(ctx) == nil)
	short, cancel := soon()
	defer cancel()
	check(t, errors.Is(barrier.Wait(short), context.DeadlineExceeded))
	check(t, barrier.Lift(ctx) == nil && barrier.Wait(ctx) == nil && errors.Is(barrier.Lift(ctx), zooid.NoNode))
	done := make(chan error)
	for i := 0; i < 2; i++ {
		double := must[*zooid.DoubleBarrier](t)(agent.Client().NewDoubleBarrier("/double", 2, fmt.Sprint(i)))
		go func() {
			err := double.Enter(ctx)
			if err == nil {
				err = double.Leave(ctx)
			}
			done <- err
		}()
	}
	check(t, <-done == nil && <-done == nil)
}

func TestQueuesCountersPresenceCaches(t *testing.T) {
	c := zooidtest.Start(t).Client()
	queue := must[*zooid.Queue](t)(c.NewQueue("/queue"))
	check(t, queue.Put(ctx, []byte("late"), 200) == nil && queue.Put(ctx, []byte("one"), zooid.DefaultPriority) == nil)
	check(t, string(must[[]byte](t)(queue.Take(ctx))) == "one" && queue.Return(ctx) == nil)
	for _, wanted := range []string{"one", "late"} {
		check(t, string(must[[]byte](t)(queue.Take(ctx))) == wanted && queue.Finish(ctx) == nil)
	}
	check(t, must[int64](t)(c.AddToCounter(ctx, "/counter", -5)) == -5 && must[int64](t)(c.Counter(ctx, "/counter")) == -5)
	present := must[*zooid.Presence](t)(c.Keep("/present", []byte("x")))
	path := must[string](t)(present.Wait(ctx))
	check(t, path == "/present" && string(must[*zooid.Node](t)(c.Get(ctx, path)).Data) == "x" && present.Close() == nil)
	member := must[*zooid.Presence](t)(c.Join("/group", "ann"))
	must[string](t)(member.Wait(ctx))
	check(t, must[[]zooid.Contender](t)(c.Members(ctx, "/group"))[0].Identifier == "ann")
	check(t, c.EnsurePath(ctx, "/cached/a") == nil)
	cache := must[*zooid.Cache](t)(c.NewCache("/cached"))
	check(t, cache.Wait(ctx) == nil)
	check(t, reflect.DeepEqual(must[[]string](t)(cache.List("/cached")), []string{"a"}))
	check(t, must[*zooid.Node](t)(cache.Get("/cached/a")).Path == "/cached/a")
	_, err := cache.Get("/cached/none")
	check(t, errors.Is(err, zooid.NoNode), err)
}

func told(t *testing.T, s *zooid.Subscription, changes ...zooid.Change) zooid.Update {
	t.Helper()
	var last zooid.Update
	for _, wanted := range changes {
		update, open := <-s.Updates()
		check(t, open && update.Change == wanted, update, wanted, s.Err())
		last = update
	}
	return last
}

func TestSubscriptions(t *testing.T) {
	agent := zooidtest.Start(t)
	c := agent.Client()
	check(t, c.EnsurePath(ctx, "/app") == nil)
	s := must[*zooid.Subscription](t)(c.Subscribe(ctx, "/app"))
	told(t, s, zooid.Reset, zooid.Present, zooid.CaughtUp)
	must[string](t)(c.Create(ctx, "/app/a", []byte("x")))
	created := told(t, s, zooid.Created)
	check(t, created.Path == "/app/a" && string(created.Data) == "x" && created.Stat.DataLength == 1, created)
	check(t, created.Cursor != nil && created.Cursor.Zxid == created.Zxid, created)
	check(t, created.EndsTxn, created)
	both := must[*zooid.Subscription](t)(c.Subscribe(ctx, "/app/b", zooid.AlsoBelow("/app/a")))
	check(t, told(t, both, zooid.Reset, zooid.Present, zooid.CaughtUp).EndsTxn && both.Close() == nil)
	check(t, len(must[[]zooid.Node](t)(c.Subtree(ctx, "/none", zooid.Also("/app/a")))) == 1)
	agent.Kill()
	agent.Restart()
	check(t, agent.Client().Delete(ctx, "/app/a", zooid.AnyVersion) == nil)
	check(t, told(t, s, zooid.Deleted).Path == "/app/a")
	check(t, s.Close() == nil && s.Close() == nil)
	_, open := <-s.Updates()
	check(t, !open && s.Err() == nil)
	again := must[*zooid.Subscription](t)(c.Subscribe(ctx, "/app", zooid.Behind(*created.Cursor), zooid.NoData()))
	told(t, again, zooid.Deleted)
	check(t, again.Close() == nil)
	late := must[*zooid.Subscription](t)(c.Subscribe(ctx, "/", zooid.Behind(zooid.Cursor{Zxid: 1 << 40}), zooid.NoSnapshot()))
	_, open = <-late.Updates()
	check(t, !open && late.Err() != nil && late.Close() == nil, late.Err())
}
