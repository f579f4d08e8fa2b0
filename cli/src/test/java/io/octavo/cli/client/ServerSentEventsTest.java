package io.octavo.cli.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ServerSentEventsTest {

    @Test
    void joinsDataLinesAndKeepsTheLastId() throws Exception {
        assertThat(read("id: 7\nevent: log\ndata: one\ndata: two\n\ndata:three\n\n"))
                .containsExactly(
                        new ServerSentEvents.Message("7", "log", "one\ntwo"),
                        new ServerSentEvents.Message("7", "message", "three"));
    }

    @Test
    void skipsCommentsUnknownFieldsAndEventsWithoutData() throws Exception {
        assertThat(read(": keep-alive\n\nretry: 10\nevent: phase\n\ndata: x\n\n"))
                .containsExactly(new ServerSentEvents.Message("", "message", "x"));
    }

    @Test
    void dropsAnUnfinishedEvent() throws Exception {
        assertThat(read("data: whole\n\ndata: cut")).hasSize(1);
    }

    private static List<ServerSentEvents.Message> read(String text) throws IOException {
        var events = new ServerSentEvents(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
        List<ServerSentEvents.Message> messages = new ArrayList<>();
        for (var next = events.next(); next.isPresent(); next = events.next()) {
            messages.add(next.get());
        }
        return messages;
    }
}
