package io.octavo.jobs.page;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Base64;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A place in a listing that runs from the newest row to the oldest.
 *
 * @param id breaks ties between rows of one moment
 */
public record TimeCursor(Instant at, UUID id) {

    /** Before every row. */
    private static final TimeCursor START = new TimeCursor(Instant.parse("9999-12-31T00:00:00Z"), new UUID(-1, -1));

    public static TimeCursor parse(@Nullable String text) {
        if (text == null || text.isEmpty()) {
            return START;
        }
        try {
            String[] parts = new String(Base64.getUrlDecoder().decode(text), StandardCharsets.US_ASCII).split("\\|", 3);
            if (parts.length == 2) {
                return new TimeCursor(storable(parts[0]), UUID.fromString(parts[1]));
            }
        } catch (IllegalArgumentException | DateTimeException e) {
            throw invalid(text, e);
        }
        throw invalid(text, null);
    }

    /** Other moments are none that a database holds. */
    private static Instant storable(String text) {
        Instant at = Instant.parse(text);
        if (at.isBefore(Instant.EPOCH) || at.isAfter(START.at)) {
            throw new DateTimeException("no row is of " + text);
        }
        return at;
    }

    private static ProblemException invalid(String text, @Nullable Exception cause) {
        String shown = text.length() > 64 ? text.substring(0, 64) + "..." : text;
        return new ProblemException(
                ProblemCode.INVALID_REQUEST, "cursor is not one that this service gave: " + shown, cause);
    }

    @Override
    public String toString() {
        byte[] plain = (at + "|" + id).getBytes(StandardCharsets.US_ASCII);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(plain);
    }
}
