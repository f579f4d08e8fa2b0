package io.octavo.cli.client;

import io.octavo.wire.JobView;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.NullNode;

/**
 * An RFC 9457 answer, or the problem of a failed job.
 *
 * @param code stable slug, such as {@code job-not-found}
 * @param detail what went wrong, for a person
 * @param members everything else the answer held
 */
public record Problem(String code, String detail, Map<String, JsonNode> members) {

    private static final int LONGEST_DETAIL = 500;

    public Problem {
        members = Map.copyOf(members);
    }

    static Problem of(JsonNode body) {
        Map<String, JsonNode> members =
                body.properties().stream().collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
        return new Problem(text(body, "code", "unknown"), detail(body), members);
    }

    static Problem ofAnswer(int status, String body) {
        try {
            JsonNode tree = WireJson.parse(body);
            if (tree.isObject()) {
                return of(tree);
            }
        } catch (JacksonException notJson) {
            // A proxy in between, or a TLS port that was spoken to in plain HTTP, answers in its own words.
        }
        boolean text = !body.isBlank() && !body.stripLeading().startsWith("<");
        return new Problem(
                "http-" + status,
                "the server answered HTTP " + status + (text ? ": " + oneLine(body) : " without an explanation"),
                Map.of());
    }

    /** The texts of a member that is a list, or nothing. */
    public List<String> texts(String member) {
        JsonNode list = members.getOrDefault(member, NullNode.getInstance());
        return list.valueStream().map(item -> item.asString("")).toList();
    }

    /** One line: the detail, or every field that is wrong where there are several, and the code in brackets. */
    public String line() {
        JsonNode errors = members.getOrDefault("errors", NullNode.getInstance());
        String fields = errors.valueStream()
                .map(error -> text(error, "field", "") + " " + text(error, "message", ""))
                .collect(Collectors.joining("; "));
        return (errors.size() > 1 ? oneLine(fields) : detail) + " [" + code + "]";
    }

    /** Why a job failed, in one line. */
    public static String line(JobView.@Nullable JobProblem problem) {
        return problem == null
                ? "no reason given"
                : new Problem(problem.code(), oneLine(problem.detail()), Map.of()).line();
    }

    private static String detail(JsonNode body) {
        return oneLine(text(body, "detail", text(body, "title", "no explanation given")));
    }

    private static String oneLine(String text) {
        String line = text.replaceAll("\\p{Cntrl}+", " ").strip();
        return line.length() <= LONGEST_DETAIL ? line : line.substring(0, LONGEST_DETAIL) + "...";
    }

    private static String text(JsonNode body, String member, String otherwise) {
        @Nullable JsonNode value = body.get(member);
        return value != null && value.isString() ? value.stringValue() : otherwise;
    }
}
