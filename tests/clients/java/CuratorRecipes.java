import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.RetryForever;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;

/**
 * Curator's recipes, unmodified, between two of its clients: CuratorRecipes HOST:PORT
 *
 * One line on standard output for each thing shown. The line "restart" asks whoever started us to kill the server and
 * start it again, and is answered with a line on standard input. Ends with an exception at the first thing not so.
 */
public final class CuratorRecipes {
    private static final int DEADLINE_S = 30, SESSION_MS = 30000;

    private final CuratorFramework one, other;
    private final ExecutorService elsewhere = Executors.newCachedThreadPool(CuratorRecipes::daemon);

    private CuratorRecipes(String hosts) throws Exception {
        one = client(hosts);
        other = client(hosts);
    }

    private static CuratorFramework client(String hosts) throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.newClient(hosts, SESSION_MS, DEADLINE_S * 1000, new RetryForever(50));
        client.start();
        demand(client.blockUntilConnected(DEADLINE_S, TimeUnit.SECONDS), "connected");
        return client;
    }

    /** What fails here ends the program, whatever waits there. */
    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }

    private static void demand(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static <T> T soon(Future<T> result) throws Exception {
        return result.get(DEADLINE_S, TimeUnit.SECONDS);
    }

    private static void await(Callable<Boolean> condition, String what) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_S);
        while (!condition.call()) {
            demand(System.nanoTime() < end, what);
            Thread.yield();
        }
    }

    private void showsTransactions() throws Exception {
        List<CuratorTransactionResult> results = one.transaction().forOperations(
            one.transactionOp().create().forPath("/tx", bytes("1")),
            one.transactionOp().setData().forPath("/tx", bytes("2")),
            one.transactionOp().check().withVersion(1).forPath("/tx"));
        demand(results.size() == 3 && results.stream().allMatch(r -> r.getError() == 0), "a transaction");
        try {
            one.transaction().forOperations(one.transactionOp().delete().forPath("/tx"),
                one.transactionOp().create().forPath("/missing/child"));
            demand(false, "half a transaction");
        } catch (KeeperException.NoNodeException expected) {
            demand(Arrays.equals(one.getData().forPath("/tx"), bytes("2")), "a transaction that failed has done nothing");
        }
        one.create().creatingParentContainersIfNeeded().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL)
            .forPath("/made/on/the/way-");
        System.out.println("transactions, and a protected node below containers");
    }

    private void showsLocks() throws Exception {
        InterProcessMutex mine = new InterProcessMutex(one, "/mutex"), theirs = new InterProcessMutex(other, "/mutex");
        mine.acquire();
        demand(!theirs.acquire(0, TimeUnit.SECONDS), "a mutex that is held");
        Future<?> waiter = elsewhere.submit(() -> {
            theirs.acquire();
            theirs.release();
            return null;
        });
        await(() -> mine.getParticipantNodes().size() == 2, "one that waits for the mutex");
        mine.release();
        soon(waiter);
        InterProcessReadWriteLock read = new InterProcessReadWriteLock(one, "/rw"), write = new InterProcessReadWriteLock(other, "/rw");
        read.readLock().acquire();
        demand(!write.writeLock().acquire(0, TimeUnit.SECONDS), "a lock that is read");
        read.readLock().release();
        demand(write.writeLock().acquire(DEADLINE_S, TimeUnit.SECONDS), "a lock that is free");
        demand(!read.readLock().acquire(0, TimeUnit.SECONDS), "a lock that is written");
        write.writeLock().release();
        InterProcessSemaphoreV2 places = new InterProcessSemaphoreV2(one, "/places", 2);
        Lease first = places.acquire(), second = places.acquire();
        demand(places.acquire(10, TimeUnit.MILLISECONDS) == null, "a semaphore that is full");
        places.returnLease(first);
        places.returnLease(second);
        System.out.println("mutex, read-write lock, semaphore");
    }

    private void showsCounters() throws Exception {
        DistributedAtomicLong number = new DistributedAtomicLong(one, "/number", new RetryForever(1));
        number.initialize(0L);
        Callable<Void> adds = () -> {
            for (int i = 0; i < 50; i++) {
                demand(new DistributedAtomicLong(other, "/number", new RetryForever(1)).increment().succeeded(), "an increment");
            }
            return null;
        };
        Future<Void> a = elsewhere.submit(adds), b = elsewhere.submit(adds);
        soon(a);
        soon(b);
        demand(number.get().postValue() == 100, "a hundred increments");
        try (SharedCount mine = new SharedCount(one, "/count", 7); SharedCount theirs = new SharedCount(other, "/count", 8)) {
            mine.start();
            theirs.start();
            demand(theirs.getCount() == 7, "the first value");
            mine.setCount(9);
            await(() -> theirs.getCount() == 9, "the other's count");
        }
        System.out.println("atomic number, shared count");
    }

    private void showsBarriersAndQueue() throws Exception {
        DistributedBarrier barrier = new DistributedBarrier(one, "/barrier");
        barrier.setBarrier();
        Future<Boolean> held = elsewhere.submit(() -> new DistributedBarrier(other, "/barrier").waitOnBarrier(DEADLINE_S, TimeUnit.SECONDS));
        barrier.removeBarrier();
        demand(soon(held), "a barrier that is gone");
        DistributedDoubleBarrier mine = new DistributedDoubleBarrier(one, "/double", 2);
        DistributedDoubleBarrier theirs = new DistributedDoubleBarrier(other, "/double", 2);
        Future<Boolean> both = elsewhere.submit(() -> theirs.enter(DEADLINE_S, TimeUnit.SECONDS) && theirs.leave(DEADLINE_S, TimeUnit.SECONDS));
        demand(mine.enter(DEADLINE_S, TimeUnit.SECONDS) && mine.leave(DEADLINE_S, TimeUnit.SECONDS) && soon(both), "a double barrier");
        SimpleDistributedQueue queue = new SimpleDistributedQueue(one, "/queue");
        Future<byte[]> taken = elsewhere.submit(() -> new SimpleDistributedQueue(other, "/queue").take());
        queue.offer(bytes("item"));
        demand(Arrays.equals(soon(taken), bytes("item")), "an item of the queue");
        System.out.println("barriers, queue");
    }

    private void showsNodes() throws Exception {
        try (PersistentTtlNode node = new PersistentTtlNode(one, "/ttl", 600000, bytes("alive"))) {
            node.start();
            demand(node.waitForInitialCreate(DEADLINE_S, TimeUnit.SECONDS), "a TTL node");
            demand(Arrays.equals(other.getData().forPath("/ttl"), bytes("alive")), "what the TTL node holds");
        }
        System.out.println("TTL node");
    }

    /** Caches rest on a persistent recursive watch. */
    private void showsWhatLastsThroughARestart() throws Exception {
        BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        CountDownLatch filled = new CountDownLatch(1);
        LeaderLatch first = new LeaderLatch(one, "/latch"), second = new LeaderLatch(other, "/latch");
        GroupMember member = new GroupMember(one, "/group", "one");
        try (CuratorCache cache = CuratorCache.build(other, "/cached")) {
            one.create().forPath("/cached", bytes("0"));
            cache.listenable().addListener(CuratorCacheListener.builder()
                .forCreates(node -> seen.add("created " + node.getPath()))
                .forChanges((before, after) -> seen.add("changed " + after.getPath() + " to " + new String(after.getData(), StandardCharsets.UTF_8)))
                .forDeletes(node -> seen.add("deleted " + node.getPath()))
                .forInitialized(filled::countDown).build());
            cache.start();
            demand(filled.await(DEADLINE_S, TimeUnit.SECONDS), "a cache that is filled");
            first.start();
            demand(first.await(DEADLINE_S, TimeUnit.SECONDS), "a leader");
            second.start();
            member.start();
            await(() -> second.getParticipants().size() == 2, "two candidates");
            one.create().forPath("/cached/child", bytes("a"));
            expect(seen, "created /cached");
            expect(seen, "created /cached/child");
            long session = one.getZookeeperClient().getZooKeeper().getSessionId();
            System.out.println("restart");
            demand(System.in.read() >= 0, "an answer to restart");
            one.setData().forPath("/cached/child", bytes("b"));
            expect(seen, "changed /cached/child to b");
            one.delete().forPath("/cached/child");
            expect(seen, "deleted /cached/child");
            demand(one.getZookeeperClient().getZooKeeper().getSessionId() == session, "the same session");
            demand(other.checkExists().forPath("/group/one").getEphemeralOwner() == session, "a member of the group");
            /* Both have given up their places while they were not connected, and have taken new ones in any order. */
            await(() -> first.hasLeadership() || second.hasLeadership(), "a leader once more");
            LeaderLatch leader = first.hasLeadership() ? first : second, next = leader == first ? second : first;
            leader.close();
            demand(next.await(DEADLINE_S, TimeUnit.SECONDS), "the next leader");
            next.close();
        }
        member.close();
        System.out.println("cache, leader and group after a restart of the server");
    }

    private static void expect(BlockingQueue<String> seen, String what) throws Exception {
        String next = seen.poll(DEADLINE_S, TimeUnit.SECONDS);
        demand(what.equals(next), what + ", not " + next);
    }

    public static void main(String[] arguments) throws Exception {
        CuratorRecipes recipes = new CuratorRecipes(arguments[0]);
        recipes.showsTransactions();
        recipes.showsLocks();
        recipes.showsCounters();
        recipes.showsBarriersAndQueue();
        recipes.showsNodes();
        recipes.showsWhatLastsThroughARestart();
        recipes.one.close();
        recipes.other.close();
    }
}
