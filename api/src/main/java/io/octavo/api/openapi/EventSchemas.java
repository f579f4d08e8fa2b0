package io.octavo.api.openapi;

import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** What happens to jobs, as pages tell it and as a stream does, which the generator takes for an object of the framework. */
final class EventSchemas {

    private static final String STREAM = "text/event-stream";

    /** What {@code data} holds, by {@code type}. */
    private static final Map<String, String> TYPES = new LinkedHashMap<>();

    static {
        TYPES.put("state", "{\"status\": \"RUNNING\", \"attempt\": 1}");
        TYPES.put("phase", "{\"phase\": \"quantize\"}");
        TYPES.put("progress", "{\"progress\": 0.25}");
        TYPES.put("metric", "{\"name\": \"perplexity\", \"value\": 7.5}");
        TYPES.put("log", "{\"line\": \"a text\"}");
        TYPES.put("step", "{\"step\": \"quantize\", \"jobId\": \"...\", \"status\": \"released\"}, of pipelines");
    }

    private EventSchemas() {}

    static void addTo(Components components) {
        components.getSchemas().remove("SseEmitter");
        Schema<?> event = Objects.requireNonNull(components.getSchemas().get("EventRecord"), "EventRecord");
        event.addProperty("type", PlainSchemas.text("what happened: " + String.join(", ", TYPES.keySet())));
        event.addProperty("data", PlainSchemas.of("object").description("by type: " + byType()));
    }

    private static String byType() {
        return TYPES.entrySet().stream()
                .map(type -> type.getKey() + " " + type.getValue())
                .collect(Collectors.joining("; "));
    }

    static void describe(Operation operation) {
        var answer = operation.getResponses().get("200");
        if (answer != null && answer.getContent() != null && answer.getContent().containsKey(STREAM)) {
            Schema<?> lines =
                    PlainSchemas.text("Server-sent events, each the lines id:, event: and data:, of which data"
                            + " is JSON by the event's type: " + byType()
                            + ". Last-Event-ID goes on behind the event with"
                            + " that id. The stream ends with the job; lines that begin with a colon keep it open.");
            answer.getContent()
                    .put(
                            STREAM,
                            new MediaType()
                                    .schema(lines)
                                    .example("id: 7\nevent: progress\ndata: {\"progress\": 0.25}\n\n"));
        }
    }
}
