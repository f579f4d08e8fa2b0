package io.octavo.worker.faults;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/** A TCP relay on loopback that can be slow, stand still, refuse, cut connections, or answer with an error itself. */
final class FaultyLink implements Closeable {

    enum Mode {
        /** Relays. */
        FINE,
        /** Relays, each piece a while later. */
        SLOW,
        /** Takes connections and bytes and passes nothing on. */
        STILL,
        /** Closes new connections at once. */
        REFUSING,
        /** Answers new connections with HTTP 503, as S3 does when it is asked too much. */
        UNAVAILABLE
    }

    private static final String SLOW_DOWN_BODY =
            "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>";
    private static final byte[] SLOW_DOWN = ("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/xml\r\n"
                    + "Content-Length: " + SLOW_DOWN_BODY.length() + "\r\nConnection: close\r\n\r\n" + SLOW_DOWN_BODY)
            .getBytes(StandardCharsets.US_ASCII);

    private final ServerSocket server;
    private final int target;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private volatile Mode mode = Mode.FINE;
    private volatile long slowNanos;

    FaultyLink(int target) {
        this.target = target;
        try {
            this.server = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return server.getLocalPort();
    }

    void set(Mode next) {
        mode = next;
    }

    void slow(long millis) {
        slowNanos = millis * 1_000_000;
        mode = Mode.SLOW;
    }

    /** In the middle of whatever they carry. */
    void cutAll() {
        open.forEach(FaultyLink::closeQuietly);
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                Thread.ofVirtual().start(() -> serve(client));
            } catch (IOException e) {
                // closed
            }
        }
    }

    private void serve(Socket client) {
        open.add(client);
        try (client;
                Socket upstream = new Socket()) {
            switch (mode) {
                case REFUSING -> client.setSoLinger(true, 0);
                case UNAVAILABLE -> {
                    byte[] request = new byte[1 << 16];
                    if (client.getInputStream().read(request) > 0) {
                        client.getOutputStream().write(SLOW_DOWN);
                    }
                }
                case FINE, SLOW, STILL -> {
                    upstream.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target), 2000);
                    upstream.setTcpNoDelay(true);
                    client.setTcpNoDelay(true);
                    open.add(upstream);
                    Thread back = Thread.ofVirtual().start(() -> pump(upstream, client));
                    pump(client, upstream);
                    back.join();
                }
            }
        } catch (IOException e) {
            // the other side is away, which is what the one who asked will find
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(client);
        }
    }

    private void pump(Socket from, Socket to) {
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] buffer = new byte[1 << 14];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                while (mode == Mode.STILL && !server.isClosed() && !to.isClosed()) {
                    LockSupport.parkNanos(20_000_000);
                }
                if (mode == Mode.SLOW) {
                    LockSupport.parkNanos(slowNanos);
                }
                out.write(buffer, 0, read);
                out.flush();
            }
        } catch (IOException e) {
            // cut
        } finally {
            closeQuietly(from);
            closeQuietly(to);
            open.remove(from);
            open.remove(to);
        }
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // gone already
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        cutAll();
    }
}
