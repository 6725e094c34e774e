/* Curator's x-discovery, unmodified: finds what the plugin discovery has registered, is found by it, and shows each step
 * on a line. Waits for a line of input before it goes, so that the other side can look. */
import java.util.Collection;
import java.util.Map;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryOneTime;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;
import org.apache.curator.x.discovery.details.JsonInstanceSerializer;

public class CuratorDiscovery {
    static void show(ServiceInstance<Object> instance) {
        Map<?, ?> payload = (Map<?, ?>) instance.getPayload();
        System.out.println("found " + instance.getName() + " " + instance.getId() + " " + instance.getAddress() + " "
            + instance.getPort() + " ssl " + instance.getSslPort() + " enabled " + instance.isEnabled() + " "
            + instance.getServiceType() + " tags " + payload.get("tags") + " weight " + payload.get("weight"));
    }

    public static void main(String[] arguments) throws Exception {
        try (CuratorFramework client = CuratorFrameworkFactory.newClient(arguments[0], new RetryOneTime(100))) {
            client.start();
            ServiceInstance<Object> own = ServiceInstance.<Object>builder().name("curator").id("c1").address("10.1.1.1")
                .port(8080).payload(Map.of("colour", "red")).build();
            try (ServiceDiscovery<Object> discovery = ServiceDiscoveryBuilder.builder(Object.class).client(client)
                    .basePath("/services").serializer(new JsonInstanceSerializer<>(Object.class)).thisInstance(own)
                    .build()) {
                discovery.start();
                System.out.println("names " + new java.util.TreeSet<>(discovery.queryForNames()));
                Collection<ServiceInstance<Object>> all = discovery.queryForInstances("web");
                all.stream().sorted((a, b) -> a.getId().compareTo(b.getId())).forEach(CuratorDiscovery::show);
                try (ServiceProvider<Object> provider = discovery.serviceProviderBuilder().serviceName("web").build()) {
                    provider.start();
                    System.out.println("provided " + provider.getInstance().getId());
                }
                System.out.println("registered");
                System.in.read();
            }
            System.out.println("gone");
        }
    }
}
