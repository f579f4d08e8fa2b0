package io.octavo.api.condition;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.springframework.http.ETag;
import org.springframework.http.HttpHeaders;

/**
 * What a request demands of the resource that it names (RFC 9110, section 13), by entity tags alone. The service keeps no
 * times of modification, so a change that is to be undone by one is refused: passing it over would lose what it protects.
 */
public final class Conditions {

    /** Stands for the tag of what is there and has none: no tag that a client sends is equal to it. */
    static final String UNTAGGED = "";

    private static final String ANY = "*";
    private static final Set<String> READING = Set.of("GET", "HEAD");

    private Conditions() {}

    static boolean isReading(HttpServletRequest request) {
        return READING.contains(request.getMethod());
    }

    static boolean areMade(HttpServletRequest request) {
        return List.of(HttpHeaders.IF_MATCH, HttpHeaders.IF_NONE_MATCH, HttpHeaders.IF_UNMODIFIED_SINCE).stream()
                .anyMatch(name -> request.getHeader(name) != null);
    }

    /**
     * @param current the tag of what is there, if anything is
     * @return whether a reading client has it already
     * @throws ProblemException {@code precondition-failed}
     */
    public static boolean isKnown(HttpServletRequest request, Optional<String> current) {
        boolean reading = isReading(request);
        if (request.getHeader(HttpHeaders.IF_MATCH) != null) {
            if (!names(request, HttpHeaders.IF_MATCH, current, true)) {
                throw failed(HttpHeaders.IF_MATCH, "does not hold of what is there");
            }
        } else if (!reading && request.getHeader(HttpHeaders.IF_UNMODIFIED_SINCE) != null) {
            throw failed(
                    HttpHeaders.IF_UNMODIFIED_SINCE,
                    "cannot be told, since no times of modification are kept; use If-Match with an ETag");
        }
        if (request.getHeader(HttpHeaders.IF_NONE_MATCH) == null
                || !names(request, HttpHeaders.IF_NONE_MATCH, current, false)) {
            return false;
        }
        if (!reading) {
            throw failed(HttpHeaders.IF_NONE_MATCH, "does not hold of what is there");
        }
        return true;
    }

    /** A header that names nothing readable matches nothing. */
    private static boolean names(HttpServletRequest request, String header, Optional<String> current, boolean strong) {
        String tags = String.join(", ", Collections.list(request.getHeaders(header)));
        return current.filter(own -> tags.strip().equals(ANY)
                        || ETag.parse(tags).stream()
                                .anyMatch(tag -> !tag.isWildcard() && tag.compare(ETag.create(own), strong)))
                .isPresent();
    }

    private static ProblemException failed(String header, String why) {
        return new ProblemException(ProblemCode.PRECONDITION_FAILED, header + " " + why + ", so nothing was done");
    }
}
