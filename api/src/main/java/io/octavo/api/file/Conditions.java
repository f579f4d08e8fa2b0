package io.octavo.api.file;

import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Collections;
import java.util.Optional;
import java.util.Set;
import org.springframework.http.ETag;
import org.springframework.http.HttpHeaders;

/** What a request demands of the file that it names (RFC 9110, section 13). Entity tags are SHA-256; there are no times. */
public final class Conditions {

    private static final Set<String> READING = Set.of("GET", "HEAD");

    private Conditions() {}

    static String tag(BlobId blob) {
        return "\"" + blob.sha256() + "\"";
    }

    /**
     * @param current what is there, if anything is
     * @return whether a reading client has it already
     * @throws ProblemException {@code precondition-failed}
     */
    public static boolean isKnown(HttpServletRequest request, Optional<BlobId> current) {
        String match = header(request, HttpHeaders.IF_MATCH);
        if (!match.isEmpty() && !names(match, current, true)) {
            throw failed(HttpHeaders.IF_MATCH);
        }
        String noneMatch = header(request, HttpHeaders.IF_NONE_MATCH);
        if (noneMatch.isEmpty() || !names(noneMatch, current, false)) {
            return false;
        }
        if (!READING.contains(request.getMethod())) {
            throw failed(HttpHeaders.IF_NONE_MATCH);
        }
        return true;
    }

    private static String header(HttpServletRequest request, String name) {
        return String.join(", ", Collections.list(request.getHeaders(name)));
    }

    private static boolean names(String tags, Optional<BlobId> current, boolean strong) {
        return current.map(blob -> ETag.create(tag(blob)))
                .filter(own -> ETag.parse(tags).stream().anyMatch(tag -> tag.isWildcard() || tag.compare(own, strong)))
                .isPresent();
    }

    private static ProblemException failed(String header) {
        return new ProblemException(
                ProblemCode.PRECONDITION_FAILED, header + " does not hold of what is there, so nothing was done");
    }
}
