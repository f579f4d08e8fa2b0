package io.octavo.api.openapi;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** A request as bytes: clients of libraries refuse to send most of what is hostile. */
final class RawCall {

    private static final int PATIENCE_MILLIS = 20_000;

    private final String method;
    private final String target;
    private final List<String> headers;
    private final byte[] body;

    /**
     * @param target path and query as they are sent
     * @param headers lines as they are sent, beside {@code Host}, {@code Connection} and {@code Content-Length}
     */
    RawCall(String method, String target, List<String> headers, byte[] body) {
        this.method = method;
        this.target = target;
        this.headers = headers;
        this.body = body;
    }

    String method() {
        return method;
    }

    String target() {
        return target;
    }

    /** Headers and body for a reader. */
    String rest() {
        return headers + " " + new String(body, UTF_8);
    }

    /**
     * @param status 0 where the server hung up without an answer
     * @param headers by their names in small letters
     */
    record Answer(int status, Map<String, String> headers, String body) {

        String type() {
            return headers.getOrDefault("content-type", "");
        }
    }

    Answer send(int port) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            try {
                socket.getOutputStream().write(bytes());
                socket.getOutputStream().flush();
            } catch (IOException e) {
                // Refused before all of it was read: the answer may be there all the same.
            }
            return read(socket.getInputStream());
        }
    }

    private byte[] bytes() {
        StringBuilder head =
                new StringBuilder(method).append(' ').append(target).append(" HTTP/1.1\r\n");
        if (headers.stream().noneMatch(line -> line.toLowerCase(Locale.ROOT).startsWith("host:"))) {
            head.append("Host: localhost\r\n");
        }
        headers.forEach(line -> head.append(line).append("\r\n"));
        if (headers.stream()
                .noneMatch(line -> line.toLowerCase(Locale.ROOT).matches("(content-length|transfer-enc).*"))) {
            head.append("Content-Length: ").append(body.length).append("\r\n");
        }
        head.append("Connection: close\r\n\r\n");
        var request = new ByteArrayOutputStream();
        request.writeBytes(head.toString().getBytes(ISO_8859_1));
        request.writeBytes(body);
        return request.toByteArray();
    }

    /** Of a stream of events, which has no end, only the head. */
    private static Answer read(InputStream in) throws IOException {
        String status = line(in);
        if (!status.startsWith("HTTP/1.1 ")) {
            return new Answer(0, Map.of(), status);
        }
        Map<String, String> headers = new TreeMap<>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            headers.put(
                    line.substring(0, line.indexOf(':')).toLowerCase(Locale.ROOT),
                    line.substring(line.indexOf(':') + 1).trim());
        }
        boolean endless = headers.getOrDefault("content-type", "").startsWith("text/event-stream");
        byte[] body = endless ? new byte[0] : rest(in);
        return new Answer(
                Integer.parseInt(status.substring(9, 12)),
                headers,
                "chunked".equals(headers.get("transfer-encoding")) ? unchunked(body) : new String(body, UTF_8));
    }

    private static byte[] rest(InputStream in) {
        var body = new ByteArrayOutputStream();
        try {
            in.transferTo(body);
        } catch (IOException e) {
            // The server has closed a connection whose request it did not read to its end.
        }
        return body.toByteArray();
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        try {
            for (int next = in.read(); next >= 0 && next != '\n'; next = in.read()) {
                line.append((char) next);
            }
        } catch (SocketException e) {
            return line.toString();
        }
        return line.toString().stripTrailing();
    }

    private static String unchunked(byte[] body) {
        String text = new String(body, ISO_8859_1);
        var content = new StringBuilder();
        int at = 0;
        for (int end = text.indexOf("\r\n", at); end > at; end = text.indexOf("\r\n", at)) {
            int size = Integer.parseInt(text, at, end, 16);
            if (size == 0) {
                break;
            }
            content.append(text, end + 2, Math.min(text.length(), end + 2 + size));
            at = Math.min(text.length(), end + 4 + size);
        }
        return new String(content.toString().getBytes(ISO_8859_1), UTF_8);
    }
}
