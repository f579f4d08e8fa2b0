package io.octavo.cli.client;

import io.octavo.hub.RepositoryName;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where a call of the service lies, below {@code /api/v1}.
 *
 * @param text encoded, with its query
 */
public record CallPath(String text) {

    /** @param segments what stands between the slashes, as it is */
    public static CallPath of(Object... segments) {
        return new CallPath(join(Arrays.stream(segments).map(Object::toString)));
    }

    public static CallPath of(RepositoryName repository, Object... segments) {
        return of("repositories", repository.namespace(), repository.name()).then(segments);
    }

    public CallPath then(Object... segments) {
        return new CallPath(text + of(segments).text);
    }

    /** Goes on along a file's path, whose slashes stay. */
    CallPath along(String path) {
        return new CallPath(text + join(Arrays.stream(path.split("/", -1))));
    }

    private static String join(Stream<String> segments) {
        return segments.map(segment -> "/" + encode(segment)).collect(Collectors.joining());
    }

    /** Adds a parameter of the query; nothing where it is null. */
    public CallPath with(String parameter, @Nullable Object value) {
        return value == null
                ? this
                : new CallPath(text + (text.contains("?") ? "&" : "?") + parameter + "=" + encode(value.toString()));
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
