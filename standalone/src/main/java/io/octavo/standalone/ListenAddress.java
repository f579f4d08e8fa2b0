package io.octavo.standalone;

import io.octavo.standalone.embedded.StandaloneException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;

/** Where a service is to listen, looked at before all else starts. */
final class ListenAddress {

    private ListenAddress() {}

    /** @throws StandaloneException if nothing can listen there */
    static void requireFree(String address, int port) {
        try (var socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(InetAddress.getByName(address), port));
        } catch (UnknownHostException e) {
            throw notBound(address, port, "no address is called that [address-not-here]", e);
        } catch (IOException e) {
            boolean elsewhere = String.valueOf(e.getMessage()).contains("assign");
            throw notBound(
                    address,
                    port,
                    elsewhere
                            ? "this machine has no such address [address-not-here]"
                            : "it is in use or not this user's; choose another one with --port [port-in-use]",
                    e);
        }
    }

    private static StandaloneException notBound(String address, int port, String why, IOException cause) {
        return new StandaloneException("cannot listen on port " + port + " of " + address + ": " + why, cause);
    }

    /** Whether other machines cannot reach it. */
    static boolean isLoopback(String host) {
        return host.equals("localhost") || host.startsWith("127.") || host.equals("::1") || host.equals("[::1]");
    }
}
