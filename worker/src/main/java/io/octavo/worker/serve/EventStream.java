package io.octavo.worker.serve;

import io.octavo.worker.openai.OpenAiJson;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.node.ObjectNode;

/** Server-sent events that hold a part of an answer each. */
final class EventStream {

    private final OutputStream out;
    private final boolean tellsUsage;

    /** @param tellsUsage whether parts have the field {@code usage}, which is null in all but the last */
    EventStream(OutputStream out, boolean tellsUsage) {
        this.out = out;
        this.tellsUsage = tellsUsage;
    }

    void send(Object part) throws IOException {
        ObjectNode tree = OpenAiJson.tree(part);
        if (!tellsUsage) {
            tree.remove("usage");
        }
        write("data: " + tree + "\n\n");
    }

    /** A comment, which clients pass over. */
    void keepAlive() throws IOException {
        write(": still there\n\n");
        flush();
    }

    void end() throws IOException {
        write("data: [DONE]\n\n");
        flush();
    }

    void flush() throws IOException {
        out.flush();
    }

    private void write(String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
    }
}
