package io.octavo.api;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** What a deployment's worker is to the service: a socket that answers. What it answers, a test says. */
final class FakeWorker implements Closeable {

    /** What is answered to one request. */
    interface Answer {
        void write(OutputStream out) throws IOException, InterruptedException;
    }

    /** Bytes as they came. */
    record Request(String head, String body) {}

    final List<Request> requests = new CopyOnWriteArrayList<>();

    /** Counted down when the service has closed a connection, or broken it off. */
    volatile CountDownLatch closed = new CountDownLatch(1);

    volatile Answer answer = out -> whole(out, 200, "{}");

    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());

    FakeWorker() throws IOException {
        Thread.ofVirtual().start(this::accept);
    }

    String url() {
        return "http://127.0.0.1:" + server.getLocalPort();
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = server.accept();
                Thread.ofVirtual().start(() -> serve(socket));
            }
        } catch (IOException e) {
            // The test is over.
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            InputStream in = socket.getInputStream();
            while (true) {
                String head = head(in);
                if (head.isEmpty()) {
                    break;
                }
                int length = head.lines()
                        .filter(line -> line.toLowerCase(Locale.ROOT).startsWith("content-length:"))
                        .mapToInt(line -> Integer.parseInt(line.substring(15).strip()))
                        .findFirst()
                        .orElse(0);
                requests.add(new Request(head, new String(in.readNBytes(length), StandardCharsets.UTF_8)));
                Thread.ofVirtual().start(() -> write(socket));
            }
        } catch (IOException e) {
            // As good as closed.
        }
        closed.countDown();
    }

    private void write(Socket socket) {
        try {
            answer.write(socket.getOutputStream());
        } catch (IOException e) {
            closed.countDown();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String head(InputStream in) throws IOException {
        var head = new StringBuilder();
        while (!head.toString().endsWith("\r\n\r\n")) {
            int next = in.read();
            if (next < 0) {
                return "";
            }
            head.append((char) next);
        }
        return head.toString();
    }

    static void whole(OutputStream out, int status, String json) throws IOException {
        send(
                out,
                "HTTP/1.1 " + status
                        + " Told\r\nContent-Type: application/json\r\nx-request-id: r1\r\nSet-Cookie: a=b\r\n"
                        + "Content-Length: " + json.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + json);
    }

    static void streamHead(OutputStream out) throws IOException {
        send(
                out,
                "HTTP/1.1 200 Told\r\nContent-Type: text/event-stream;charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n");
    }

    static void chunk(OutputStream out, String text) throws IOException {
        send(out, Integer.toHexString(text.getBytes(StandardCharsets.UTF_8).length) + "\r\n" + text + "\r\n");
    }

    static void send(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    boolean isClosedSoon() throws InterruptedException {
        return closed.await(10, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
