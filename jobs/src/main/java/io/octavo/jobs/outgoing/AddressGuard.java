package io.octavo.jobs.outgoing;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.stream.Stream;
import org.springframework.stereotype.Component;

/**
 * Tells public addresses from those of this machine, private networks, cloud metadata services and ranges that reach such
 * an address in disguise. Of IPv6 only global unicast is public at all.
 *
 * <p>Source: the IANA registries of special-purpose addresses (RFC 6890 and its updates).
 */
@Component
class AddressGuard {

    private static final List<Network> SPECIAL = Stream.of(
                    "0.0.0.0/8",
                    "10.0.0.0/8",
                    "100.64.0.0/10",
                    "127.0.0.0/8",
                    "169.254.0.0/16", // metadata services of clouds, among others
                    "172.16.0.0/12",
                    "192.0.0.0/24",
                    "192.0.2.0/24",
                    "192.88.99.0/24",
                    "192.168.0.0/16",
                    "198.18.0.0/15",
                    "198.51.100.0/24",
                    "203.0.113.0/24",
                    "224.0.0.0/4",
                    "240.0.0.0/4",
                    "2001::/23", // Teredo and other protocols
                    "2001:db8::/32",
                    "2002::/16", // carries an IPv4 address
                    "3fff::/20")
            .map(Network::parse)
            .toList();
    private static final Network GLOBAL_UNICAST = Network.parse("2000::/3");

    private final List<Network> allowed;

    AddressGuard(OutgoingProperties properties) {
        this.allowed = properties.allowedNetworks().stream().map(Network::parse).toList();
    }

    boolean mayBeCalled(InetAddress address) {
        if (allowed.stream().anyMatch(network -> network.contains(address))) {
            return true;
        }
        return (address instanceof Inet4Address || GLOBAL_UNICAST.contains(address))
                && SPECIAL.stream().noneMatch(network -> network.contains(address));
    }

    /**
     * All addresses of a host. One that may not be called spoils the others: who mixes them is up to something.
     *
     * @throws AddressNotAllowedException if any of them may not be called
     */
    List<InetAddress> resolve(String host) throws UnknownHostException {
        List<InetAddress> addresses = List.of(InetAddress.getAllByName(host));
        if (!addresses.stream().allMatch(this::mayBeCalled)) {
            throw new AddressNotAllowedException(host);
        }
        return addresses;
    }
}
