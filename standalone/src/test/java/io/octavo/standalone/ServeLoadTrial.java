package io.octavo.standalone;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.cli.terminal.Terminal;
import io.octavo.engine.serve.ServingHealth;
import io.octavo.standalone.ServeCommand.Serving;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/**
 * Many streams at once for minutes on the example model, of which some clients leave in the middle: no error, all pages free
 * afterwards, no more memory at the end than after the first part. By hand: {@code -Doctavo.load.minutes=10
 * -Doctavo.load.streams=64}. What it prints of latency is worth something on an idle machine alone.
 */
class ServeLoadTrial {

    private static final int STREAMS = Integer.getInteger("octavo.load.streams", 64);
    private static final Duration TIME =
            Duration.ofSeconds((long) (60 * Double.parseDouble(System.getProperty("octavo.load.minutes", "10"))));
    private static final int TOKENS = 48;
    private static final long MEGABYTE = 1 << 20;

    /** Times between parts of a stream, counted by milliseconds. */
    private final AtomicLongArray gaps = new AtomicLongArray(60_000);

    private final ConcurrentLinkedQueue<String> errors = new ConcurrentLinkedQueue<>();
    private final AtomicLong whole = new AtomicLong();
    private final AtomicLong left = new AtomicLong();

    @Test
    void manyStreamsForALongTime() throws Exception {
        var sink = new PrintStream(new ByteArrayOutputStream(), true, UTF_8);
        ServeCommand command = (ServeCommand) OctavoMain.commandLine(new Terminal(sink, sink, false, 100), Map.of())
                .parseArgs(
                        "serve",
                        ProjectFolder.root().resolve("examples/models/books-5m").toString(),
                        "--port",
                        "0",
                        "--device",
                        "cpu",
                        "--kv-cache-mib",
                        "64")
                .subcommand()
                .commandSpec()
                .userObject();
        try (Serving serving = command.start(line -> {});
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            int port = serving.server().uri().getPort();
            long end = System.nanoTime() + TIME.toNanos();
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < STREAMS; i++) {
                int number = i;
                running.add(threads.submit(() -> stream(port, number, end)));
            }
            List<Long> memory = new ArrayList<>();
            while (System.nanoTime() < end) {
                Thread.sleep(Math.max(1_000, TIME.toMillis() / 20));
                memory.add(usedAfterCollection());
                System.out.printf(
                        "heap %d MB, resident %d MB, %d whole, %d left, %d errors, %s%n",
                        memory.getLast() / MEGABYTE,
                        residentBytes() / MEGABYTE,
                        whole.get(),
                        left.get(),
                        errors.size(),
                        serving.model().health());
            }
            for (Future<?> one : running) {
                one.get();
            }
            report();
            assertThat(errors).isEmpty();
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> {
                ServingHealth health = serving.model().health();
                return health.running() == 0 && health.waiting() == 0 && health.freePages() == health.pages();
            });
            long early = memory.get(memory.size() / 4);
            assertThat(memory.getLast()).as("heap in use").isLessThan(early + 16 * MEGABYTE);
        }
    }

    /** One stream after the other; every fifth is left where it is. */
    private void stream(int port, int number, long end) {
        var random = new Random(number);
        while (System.nanoTime() < end) {
            boolean leaves = random.nextInt(5) == 0;
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                socket.setSoTimeout(120_000);
                String body = "{\"prompt\":\"Chapter " + random.nextInt(40) + ". The old man\",\"max_tokens\":" + TOKENS
                        + ",\"seed\":" + random.nextInt() + ",\"stream\":true}";
                socket.getOutputStream()
                        .write(("POST /v1/completions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                        + "Content-Type: application/json\r\nContent-Length: " + body.length()
                                        + "\r\n\r\n" + body)
                                .getBytes(UTF_8));
                read(new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8)), leaves);
            } catch (IOException e) {
                errors.add(e.toString());
            }
        }
    }

    private void read(BufferedReader in, boolean leaves) throws IOException {
        int parts = 0;
        long last = 0;
        boolean done = false;
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            if (line.startsWith("HTTP/1.1") && !line.contains("200")) {
                errors.add(line);
            }
            if (line.contains("\"error\"")) {
                errors.add(line);
            }
            if (line.startsWith("data: {")) {
                long now = System.nanoTime();
                if (parts++ > 0) {
                    gaps.incrementAndGet((int) Math.min(gaps.length() - 1, (now - last) / 1_000_000));
                }
                last = now;
                if (leaves && parts == 5) {
                    left.incrementAndGet();
                    return;
                }
            }
            done |= line.equals("data: [DONE]");
        }
        if (done) {
            whole.incrementAndGet();
        } else {
            errors.add("a stream without an end");
        }
    }

    private void report() {
        System.out.printf(
                "%d streams for %s: %d whole, %d left, %d errors; between parts p50 %d ms, p99 %d ms%n",
                STREAMS, TIME, whole.get(), left.get(), errors.size(), millis(0.5), millis(0.99));
        System.out.println(Arrays.toString(errors.stream().limit(5).toArray()));
    }

    private int millis(double share) {
        long all = 0;
        for (int i = 0; i < gaps.length(); i++) {
            all += gaps.get(i);
        }
        long below = 0;
        int place = 0;
        while (place < gaps.length() - 1 && below + gaps.get(place) <= share * all) {
            below += gaps.get(place++);
        }
        return place;
    }

    private static long usedAfterCollection() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    private static long residentBytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("[^0-9]", "")))
                .findFirst()
                .orElse(0);
    }
}
