package io.octavo.cli.client;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Reads {@code text/event-stream}, as in the WHATWG HTML standard, section 9.2.6. */
final class ServerSentEvents {

    /** One dispatched event. */
    record Message(String id, String event, String data) {}

    private final BufferedReader lines;
    private String lastId = "";

    ServerSentEvents(InputStream in) {
        this.lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    }

    /** Blocks for the next event that has data; empty at the end of the stream, where an unfinished event is dropped. */
    Optional<Message> next() throws IOException {
        String event = "message";
        StringBuilder data = new StringBuilder();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.isEmpty()) {
                if (!data.isEmpty()) {
                    return Optional.of(new Message(lastId, event, data.substring(0, data.length() - 1)));
                }
                event = "message";
                continue;
            }
            int colon = line.indexOf(':');
            String field = colon < 0 ? line : line.substring(0, colon);
            String value = colon < 0 ? "" : line.substring(colon + 1);
            if (value.startsWith(" ")) {
                value = value.substring(1);
            }
            switch (field) {
                case "id" -> lastId = value;
                case "event" -> event = value;
                case "data" -> data.append(value).append('\n');
                default -> {} // "retry" is a hint; a line that starts with ':' is a comment that keeps the line open
            }
        }
        return Optional.empty();
    }
}
