import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;

/** A client that can be read-only: reads at a server without a leader, and finds the one that has a leader again. */
public final class ReadOnlyClient {
    private static final BlockingQueue<KeeperState> STATES = new LinkedBlockingQueue<>();

    private static void await(KeeperState wanted) throws InterruptedException {
        KeeperState state;
        do {
            state = STATES.poll(60, TimeUnit.SECONDS);
            if (state == null)
                throw new AssertionError("never " + wanted);
            System.out.println(state);
        } while (state != wanted);
    }

    public static void main(String[] args) throws Exception {
        BufferedReader answers = new BufferedReader(new InputStreamReader(System.in));
        ZooKeeper client = new ZooKeeper(args[0], 10000, event -> STATES.add(event.getState()), true);
        await(KeeperState.ConnectedReadOnly);
        byte[] data = client.getData("/kept", event -> STATES.add(event.getState()), null);
        System.out.println(new String(data, "UTF-8"));
        try {
            client.setData("/kept", new byte[0], -1);
            throw new AssertionError("was written");
        } catch (KeeperException.NotReadOnlyException refused) {
            System.out.println("refused");
        }
        System.out.println("restart");
        answers.readLine();
        await(KeeperState.SyncConnected);
        client.create("/from-java", new byte[0], ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        client.close();
        System.out.println("reads without a leader, writes with one");
    }
}
