package io.octavo.worker.serve;

import java.util.Set;

/** What web pages of other origins may call (the Fetch standard's CORS protocol); browsers keep to it, nobody else does. */
final class CrossOrigin {

    private static final String ANY = "*";
    private static final String ORIGIN = "Origin";

    private final Set<String> origins;

    /** @param origins such as {@code https://chat.example.com}; none for no page at all */
    CrossOrigin(Set<String> origins) {
        this.origins = origins;
    }

    /** Tells the browser of a page that may call; a page that may not is told nothing, which its browser takes for no. */
    void mark(HttpCall call) {
        if (origins.isEmpty()) {
            return;
        }
        call.header("Vary", ORIGIN);
        String origin = call.request().getHeader(ORIGIN);
        if (origin == null || !(origins.contains(ANY) || origins.contains(origin))) {
            return;
        }
        call.header("Access-Control-Allow-Origin", origins.contains(ANY) ? ANY : origin);
        call.header("Access-Control-Expose-Headers", "x-request-id, Retry-After");
        if (call.request().getMethod().equals("OPTIONS")) {
            call.header("Access-Control-Allow-Methods", "GET, HEAD, POST");
            // Not *, which does not stand for Authorization.
            call.header("Access-Control-Allow-Headers", "Authorization, Content-Type, " + asked(call));
            call.header("Access-Control-Max-Age", "600");
        }
    }

    /** Clients send headers of their own, such as X-Stainless-Lang, which nobody here looks at. */
    private static String asked(HttpCall call) {
        String asked = call.request().getHeader("Access-Control-Request-Headers");
        return asked == null || !asked.matches("[A-Za-z0-9, _-]{1,2000}") ? "Accept" : asked;
    }
}
