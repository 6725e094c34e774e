import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/**
 * Shows that the stock Java client works with a server: StockClient HOST:PORT
 *
 * One line on standard output for each thing shown. The line "restart" asks whoever started us to kill the server and
 * start it again, and is answered with a line on standard input. Ends with an exception at the first thing not so.
 */
public final class StockClient {
    private static final int DEADLINE_S = 30;
    private static final byte[] NOTHING = new byte[0];

    private final String hosts;
    private final Connection main;

    /** A session whose events can be waited for. */
    private static final class Connection implements Watcher {
        final BlockingQueue<String> events = new LinkedBlockingQueue<>();
        final BlockingQueue<Event.KeeperState> states = new LinkedBlockingQueue<>();
        final ZooKeeper zk;

        Connection(String hosts) throws Exception {
            zk = new ZooKeeper(hosts, 30000, this);
            awaitConnected();
        }

        @Override
        public void process(WatchedEvent event) {
            if (event.getType() == Event.EventType.None) {
                states.add(event.getState());
            } else {
                events.add(event.getType() + " " + event.getPath());
            }
        }

        void awaitConnected() throws Exception {
            Event.KeeperState state;
            do {
                state = states.poll(DEADLINE_S, TimeUnit.SECONDS);
                demand(state != null && state != Event.KeeperState.Expired, "connected, not " + state);
            } while (state != Event.KeeperState.SyncConnected);
        }

        void expect(String... wanted) throws Exception {
            for (String one : wanted) {
                String event = events.poll(DEADLINE_S, TimeUnit.SECONDS);
                demand(one.equals(event), "event " + one + ", not " + event);
            }
        }

        void expectNoMore() throws Exception {
            CountDownLatch synced = new CountDownLatch(1);
            zk.sync("/", (code, path, context) -> synced.countDown(), null);
            demand(synced.await(DEADLINE_S, TimeUnit.SECONDS), "sync is answered");
            demand(events.isEmpty(), "no more events, but " + events);
        }
    }

    private interface Call {
        void run() throws Exception;
    }

    private StockClient(String hosts) throws Exception {
        this.hosts = hosts;
        this.main = new Connection(hosts);
    }

    private static void demand(boolean isSo, String what) {
        if (!isSo) {
            throw new AssertionError("not so: " + what);
        }
    }

    private static void demandError(KeeperException.Code code, Call call) throws Exception {
        try {
            call.run();
        } catch (KeeperException error) {
            demand(error.code() == code, code + ", not " + error.code());
            return;
        }
        throw new AssertionError("no " + code);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String create(ZooKeeper zk, String path, CreateMode mode) throws Exception {
        return zk.create(path, NOTHING, Ids.OPEN_ACL_UNSAFE, mode);
    }

    private void showsNodes() throws Exception {
        ZooKeeper zk = main.zk;
        create(zk, "/j", CreateMode.PERSISTENT);
        Stat stat = new Stat();
        zk.create("/j/stat", bytes("x"), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, stat);
        demand(stat.getCzxid() > 0 && stat.getDataLength() == 1, "create answers with a Stat");
        demand(create(zk, "/j/s-", CreateMode.PERSISTENT_SEQUENTIAL).equals("/j/s-0000000001"), "sequence");
        demand(zk.setData("/j/stat", bytes("yy"), 0).getVersion() == 1, "setData");
        demandError(KeeperException.Code.BADVERSION, () -> zk.setData("/j/stat", NOTHING, 0));
        demandError(KeeperException.Code.NODEEXISTS, () -> create(zk, "/j", CreateMode.PERSISTENT));
        demandError(KeeperException.Code.NOTEMPTY, () -> zk.delete("/j", -1));
        create(zk, "/j/eph", CreateMode.EPHEMERAL);
        demandError(KeeperException.Code.NOCHILDRENFOREPHEMERALS, () -> create(zk, "/j/eph/c", CreateMode.PERSISTENT));
        demand(zk.exists("/j/eph", false).getEphemeralOwner() == zk.getSessionId(), "ephemeralOwner");
        demand(zk.getEphemerals("/j").equals(Collections.singletonList("/j/eph")), "getEphemerals");
        demand(zk.getAllChildrenNumber("/j") == 3, "getAllChildrenNumber");
        demand(zk.whoAmI().get(0).getAuthScheme().equals("ip"), "whoAmI");
        demand(zk.getConfig(false, new Stat()).length == 0, "config of a standalone server");
        System.out.println("nodes of every kind");
    }

    private void showsMulti() throws Exception {
        ZooKeeper zk = main.zk;
        List<OpResult> results = zk.multi(Arrays.asList(
            Op.create("/j/m", NOTHING, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
            Op.create("/j/m/c", NOTHING, Ids.OPEN_ACL_UNSAFE, CreateMode.CONTAINER),
            Op.setData("/j/m", bytes("1"), 0), Op.check("/j/m", 1), Op.delete("/j/m/c", 0)));
        demand(((OpResult.CreateResult) results.get(0)).getPath().equals("/j/m"), "create in a multi");
        demand(((OpResult.CreateResult) results.get(1)).getStat().getCzxid()
            == ((OpResult.SetDataResult) results.get(2)).getStat().getMzxid(), "one zxid for all");
        try {
            zk.multi(Arrays.asList(Op.delete("/j/m", -1), Op.check("/j/none", 0), Op.delete("/j", -1)));
            throw new AssertionError("a failed multi succeeded");
        } catch (KeeperException error) {
            int[] codes = error.getResults().stream().mapToInt(r -> ((OpResult.ErrorResult) r).getErr()).toArray();
            demand(Arrays.equals(codes, new int[] {0, -101, -2}), "codes of a failed multi " + Arrays.toString(codes));
        }
        demand(zk.exists("/j/m", false) != null, "a failed multi changes nothing");
        System.out.println("multi");
    }

    private void showsMultiRead() throws Exception {
        List<OpResult> results = main.zk.multi(Arrays.asList(Op.getData("/j/stat"), Op.getChildren("/j/none"),
            Op.getChildren("/j/m")));
        demand(Arrays.equals(((OpResult.GetDataResult) results.get(0)).getData(), bytes("yy")), "getData in a multi");
        demand(((OpResult.ErrorResult) results.get(1)).getErr() == -101, "error in a multi read");
        demand(((OpResult.GetChildrenResult) results.get(2)).getChildren().isEmpty(), "getChildren in a multi");
        System.out.println("multi read");
    }

    private void showsPersistentWatches() throws Exception {
        Connection watching = new Connection(hosts);
        watching.zk.addWatch("/j/p", AddWatchMode.PERSISTENT);
        watching.zk.addWatch("/j/r", AddWatchMode.PERSISTENT_RECURSIVE);
        create(main.zk, "/j/p", CreateMode.PERSISTENT);
        main.zk.setData("/j/p", NOTHING, -1);
        main.zk.setData("/j/p", NOTHING, -1);
        create(main.zk, "/j/p/c", CreateMode.PERSISTENT);
        create(main.zk, "/j/r", CreateMode.PERSISTENT);
        create(main.zk, "/j/r/a", CreateMode.PERSISTENT);
        main.zk.setData("/j/r/a", NOTHING, -1);
        main.zk.delete("/j/r/a", -1);
        watching.expect("NodeCreated /j/p", "NodeDataChanged /j/p", "NodeDataChanged /j/p", "NodeChildrenChanged /j/p",
            "NodeCreated /j/r", "NodeCreated /j/r/a", "NodeDataChanged /j/r/a", "NodeDeleted /j/r/a");
        watching.zk.removeWatches("/j/p", watching, Watcher.WatcherType.Any, false);
        watching.zk.removeAllWatches("/j/r", Watcher.WatcherType.Any, false);
        watching.expect("PersistentWatchRemoved /j/p", "PersistentWatchRemoved /j/r");
        main.zk.setData("/j/r", NOTHING, -1);
        watching.expectNoMore();
        demandError(KeeperException.Code.NOWATCHER,
            () -> watching.zk.removeAllWatches("/j/r", Watcher.WatcherType.Any, false));
        watching.zk.close();
        System.out.println("persistent and recursive watches");
    }

    private void showsReaping() throws Exception {
        ZooKeeper zk = main.zk;
        create(zk, "/j/container", CreateMode.CONTAINER);
        create(zk, "/j/container/only", CreateMode.PERSISTENT);
        zk.delete("/j/container/only", -1);
        if (zk.exists("/j/container", true) != null) {
            main.expect("NodeDeleted /j/container");
        }
        zk.create("/j/ttl", NOTHING, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, new Stat(), 500);
        zk.create("/j/ttl-long", NOTHING, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, new Stat(), 3600000);
        if (zk.exists("/j/ttl", true) != null) {
            main.expect("NodeDeleted /j/ttl");
        }
        demand(zk.exists("/j/ttl-long", false) != null, "a TTL node lives for its time");
        System.out.println("empty containers and expired TTL nodes are removed");
    }

    /** One-shot and persistent watches are set again by the client; what was missed meanwhile is reported. */
    private void showsReconnect() throws Exception {
        Connection other = new Connection(hosts);
        long session = main.zk.getSessionId();
        create(main.zk, "/j/kept", CreateMode.EPHEMERAL);
        main.zk.exists("/j/later", true);
        main.zk.getData("/j/stat", true, null);
        main.zk.getChildren("/j/m", true);
        main.zk.addWatch("/j/p", AddWatchMode.PERSISTENT);
        main.zk.addWatch("/j/r", AddWatchMode.PERSISTENT_RECURSIVE);
        restart();
        main.awaitConnected();
        other.awaitConnected();
        demand(main.zk.getSessionId() == session, "same session after a restart");
        demand(other.zk.exists("/j/kept", false).getEphemeralOwner() == session, "ephemeral after a restart");
        main.expectNoMore();
        create(other.zk, "/j/later", CreateMode.PERSISTENT);
        other.zk.setData("/j/stat", NOTHING, -1);
        create(other.zk, "/j/m/c", CreateMode.PERSISTENT);
        other.zk.setData("/j/p", NOTHING, -1);
        create(other.zk, "/j/r/b", CreateMode.PERSISTENT);
        main.expect("NodeCreated /j/later", "NodeDataChanged /j/stat", "NodeChildrenChanged /j/m",
            "NodeDataChanged /j/p", "NodeCreated /j/r/b");
        main.zk.close();
        demand(other.zk.exists("/j/kept", false) == null, "close removes the ephemeral");
        other.zk.close();
        System.out.println("session, ephemeral and watches after a restart of the server");
    }

    private void showsAcls() throws Exception {
        ZooKeeper zk = main.zk;
        zk.addAuthInfo("digest", bytes("ann:secret"));
        zk.create("/j/acl", NOTHING, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        Connection other = new Connection(hosts);
        demandError(KeeperException.Code.NOAUTH, () -> other.zk.getData("/j/acl", false, null));
        demandError(KeeperException.Code.NOAUTH, () -> other.zk.getACL("/j/acl", null));
        other.zk.addAuthInfo("digest", bytes("ann:secret"));
        demand(other.zk.getACL("/j/acl", null).size() == 1, "getACL");
        other.zk.close();
        System.out.println("ACLs");
    }

    private static void restart() throws Exception {
        System.out.println("restart");
        demand(System.in.read() >= 0, "an answer to restart");
    }

    public static void main(String[] arguments) throws Exception {
        StockClient client = new StockClient(arguments[0]);
        client.showsNodes();
        client.showsMulti();
        client.showsMultiRead();
        client.showsPersistentWatches();
        client.showsReaping();
        client.showsAcls();
        client.showsReconnect();
    }
}
