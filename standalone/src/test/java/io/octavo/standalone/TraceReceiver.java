package io.octavo.standalone;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;

/** What a collector receives by OTLP over HTTP, read straight off the protobuf wire. */
final class TraceReceiver implements AutoCloseable {

    /**
     * @param parent empty at the root
     * @param start in nanoseconds
     */
    record ReceivedSpan(
            String service,
            String trace,
            String id,
            String parent,
            String name,
            Map<String, String> attributes,
            List<String> events,
            int status,
            long start) {}

    private final List<ReceivedSpan> spans = new CopyOnWriteArrayList<>();
    private final HttpServer server;

    TraceReceiver() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/traces", exchange -> {
            read(exchange.getRequestBody().readAllBytes());
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
    }

    String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1/traces";
    }

    List<ReceivedSpan> spans() {
        return List.copyOf(spans);
    }

    private void read(byte[] request) {
        List<ReceivedSpan> received = new ArrayList<>();
        fields(request, (field, resourceSpans) -> {
            Map<String, String> resource = new HashMap<>();
            fields(bytes(resourceSpans), (part, content) -> {
                if (part == 1) {
                    fields(bytes(content), (member, value) -> attribute(member, 1, value, resource));
                } else if (part == 2) {
                    fields(bytes(content), (member, value) -> {
                        if (member == 2) {
                            received.add(span(resource.getOrDefault("service.name", ""), bytes(value)));
                        }
                    });
                }
            });
        });
        spans.addAll(received);
    }

    private static ReceivedSpan span(String service, byte[] message) {
        Map<Integer, String> ids = new HashMap<>();
        Map<String, String> attributes = new HashMap<>();
        List<String> events = new ArrayList<>();
        List<String> name = new ArrayList<>();
        Map<Integer, Long> numbers = new HashMap<>();
        fields(message, (field, value) -> {
            switch (field) {
                case 1, 2, 4 -> ids.put(field, HexFormat.of().formatHex(bytes(value)));
                case 5 -> name.add(text(value));
                case 7 -> numbers.put(7, (Long) value);
                case 9 -> attribute(9, 9, value, attributes);
                case 11 ->
                    fields(bytes(value), (part, content) -> {
                        if (part == 2) {
                            events.add(text(content));
                        }
                    });
                case 15 ->
                    fields(bytes(value), (part, content) -> {
                        if (part == 3) {
                            numbers.put(15, (Long) content);
                        }
                    });
                default -> {}
            }
        });
        return new ReceivedSpan(
                service,
                ids.getOrDefault(1, ""),
                ids.getOrDefault(2, ""),
                ids.getOrDefault(4, ""),
                name.getFirst(),
                attributes,
                events,
                numbers.getOrDefault(15, 0L).intValue(),
                numbers.getOrDefault(7, 0L));
    }

    /** A {@code KeyValue} whose value is a text or a whole number. */
    private static void attribute(int field, int wanted, Object keyValue, Map<String, String> into) {
        if (field != wanted) {
            return;
        }
        List<String> pair = new ArrayList<>();
        fields(bytes(keyValue), (part, content) -> {
            if (part == 1) {
                pair.add(text(content));
            } else {
                fields(bytes(content), (kind, value) -> pair.add(kind == 1 ? text(value) : String.valueOf(value)));
            }
        });
        into.put(pair.getFirst(), pair.getLast());
    }

    private static byte[] bytes(Object value) {
        return (byte[]) value;
    }

    private static String text(Object value) {
        return new String(bytes(value), StandardCharsets.UTF_8);
    }

    /** The fields of a message: bytes where they have a length, numbers else. */
    private static void fields(byte[] message, BiConsumer<Integer, Object> reader) {
        ByteBuffer rest = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
        while (rest.hasRemaining()) {
            int tag = (int) varint(rest);
            Object value = switch (tag & 7) {
                case 0 -> varint(rest);
                case 1 -> rest.getLong();
                case 2 -> {
                    byte[] content = new byte[(int) varint(rest)];
                    rest.get(content);
                    yield content;
                }
                case 5 -> (long) rest.getInt();
                default -> throw new IllegalStateException("wire type " + (tag & 7));
            };
            reader.accept(tag >>> 3, value);
        }
    }

    private static long varint(ByteBuffer from) {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = from.get();
            value |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return value;
            }
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
