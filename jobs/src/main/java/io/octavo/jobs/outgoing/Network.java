package io.octavo.jobs.outgoing;

import java.net.InetAddress;
import java.util.Arrays;

/** Addresses that share their first bits, as CIDR writes them. An address of the other family is never inside. */
public record Network(InetAddress base, int prefixBits) {

    public Network {
        if (prefixBits < 0 || prefixBits > base.getAddress().length * Byte.SIZE) {
            throw new IllegalArgumentException("prefix of " + base.getHostAddress() + " has " + prefixBits + " bits");
        }
    }

    /** @param text such as {@code 10.0.0.0/8} or {@code fd00::/8} */
    public static Network parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            throw new IllegalArgumentException("a network looks like 10.0.0.0/8, not " + text);
        }
        return new Network(
                InetAddress.ofLiteral(text.substring(0, slash)), Integer.parseInt(text.substring(slash + 1)));
    }

    boolean contains(InetAddress address) {
        byte[] own = base.getAddress();
        byte[] other = address.getAddress();
        int whole = prefixBits / Byte.SIZE;
        int mask = 0xff00 >> prefixBits % Byte.SIZE & 0xff;
        return own.length == other.length
                && Arrays.equals(own, 0, whole, other, 0, whole)
                && (mask == 0 || (own[whole] & mask) == (other[whole] & mask));
    }
}
