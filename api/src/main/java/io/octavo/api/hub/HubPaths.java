package io.octavo.api.hub;

import io.octavo.api.problem.Problems;
import io.octavo.hub.RepositoryName;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.spec.PlainText;
import jakarta.servlet.http.HttpServletRequest;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/** Reads what stands in paths and queries, as leniently as the Hub does, and links back to them. */
final class HubPaths {

    static final String HUB = "/hub";

    private static final Set<String> YES = Set.of("true", "True", "1");

    private HubPaths() {}

    static boolean isHub(String path) {
        return path.startsWith(HUB + "/");
    }

    static RepositoryName repository(String namespace, String name) {
        return Problems.read("repository", () -> new RepositoryName(namespace, name));
    }

    /** Python's clients spell it in three ways. */
    static boolean isSet(@Nullable String flag) {
        return flag != null && YES.contains(flag);
    }

    /** Of a page: what is asked for, as far as there are so many at once. */
    static int limit(@Nullable String asked, int most) {
        return asked == null
                ? most
                : Problems.read(
                        "limit", () -> Math.clamp(Long.parseLong(asked), 1, most)); // its failure is an argument's
    }

    static PageLimit pageLimit(@Nullable String asked) {
        return PageLimit.of(limit(asked, PageLimit.MAX));
    }

    /** What goes to the database: a name, or where a listing left off. */
    static @Nullable String plain(String field, @Nullable String text) {
        return text == null
                ? null
                : Problems.read(field, () -> {
                    PlainText.Validator.fault(text, false).ifPresent(fault -> {
                        throw new IllegalArgumentException(fault);
                    });
                    return text;
                });
    }

    /** Where the service is for this caller. */
    static String base(HttpServletRequest request) {
        String url = request.getRequestURL().toString();
        return url.substring(0, url.length() - request.getRequestURI().length()) + HUB;
    }

    /**
     * What leads to the next page.
     *
     * @param parameters of the query besides {@code cursor}
     */
    static HttpHeaders next(HttpServletRequest request, Map<String, String> parameters, @Nullable String cursor) {
        HttpHeaders headers = new HttpHeaders();
        if (cursor != null) {
            var query = new StringBuilder("?cursor=").append(URLEncoder.encode(cursor, StandardCharsets.UTF_8));
            parameters.forEach((name, value) -> query.append('&')
                    .append(name)
                    .append('=')
                    .append(URLEncoder.encode(value, StandardCharsets.UTF_8)));
            headers.add(HttpHeaders.LINK, "<" + request.getRequestURL() + query + ">; rel=\"next\"");
        }
        return headers;
    }
}
