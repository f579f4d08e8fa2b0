package io.octavo.api.problem;

import io.octavo.jobs.problem.FieldError;
import io.octavo.jobs.problem.ProblemCategory;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RepositoryPath;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;

/** Makes problems in the shape that every call answers with. */
public final class Problems {

    public static final String IDEMPOTENCY_KEY = "Idempotency-Key";

    private static final Pattern KEY = Pattern.compile("[^\\p{Cc}]*");
    private static final int MAX_KEY = 255;

    /** In ASCII alone; 18 digits fit a long. */
    private static final Pattern ID = Pattern.compile("0|[1-9][0-9]{0,17}");

    private static final Pattern NUMBER = Pattern.compile("-?(0|[1-9][0-9]*)");
    private static final Pattern UUID_TEXT = Pattern.compile("[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}");

    private Problems() {}

    static ProblemDetail of(ProblemException problem) {
        ProblemDetail detail =
                of(status(problem.code().category()), problem.code().slug(), problem.detail());
        problem.members().forEach(detail::setProperty);
        return detail;
    }

    static ProblemDetail of(HttpStatus status, String code, String text) {
        ProblemDetail detail = ProblemDetail.forStatusAndDetail(status, text);
        describe(detail, code);
        return detail;
    }

    static void describe(ProblemDetail detail, String code) {
        detail.setType(URI.create("urn:octavo:problem:" + code));
        detail.setProperty("code", code);
    }

    static HttpStatus status(ProblemCategory category) {
        return switch (category) {
            case INVALID -> HttpStatus.BAD_REQUEST;
            case UNAUTHENTICATED -> HttpStatus.UNAUTHORIZED;
            case RATE_LIMITED -> HttpStatus.TOO_MANY_REQUESTS;
            case MISSING -> HttpStatus.NOT_FOUND;
            case CONFLICT -> HttpStatus.CONFLICT;
            case PRECONDITION -> HttpStatus.PRECONDITION_FAILED;
            case UNPROCESSABLE -> HttpStatus.UNPROCESSABLE_CONTENT;
            case FORBIDDEN -> HttpStatus.FORBIDDEN;
            case TOO_LARGE -> HttpStatus.CONTENT_TOO_LARGE;
            case RANGE_NOT_SATISFIABLE -> HttpStatus.REQUESTED_RANGE_NOT_SATISFIABLE;
            case FULL -> HttpStatus.INSUFFICIENT_STORAGE;
            case EXHAUSTED, UNAVAILABLE -> HttpStatus.SERVICE_UNAVAILABLE;
            case BROKEN -> HttpStatus.INTERNAL_SERVER_ERROR;
        };
    }

    /** @throws ProblemException {@code invalid-request} if it is no key that can be kept */
    public static String idempotencyKey(String key) {
        return read(IDEMPOTENCY_KEY, () -> {
            if (key.isBlank() || key.length() > MAX_KEY || !KEY.matcher(key).matches()) {
                throw new IllegalArgumentException("must have 1 to " + MAX_KEY + " characters, none of them a control");
            }
            return key;
        });
    }

    /**
     * Whether a number, an id or a name of an enumeration is spelled as this service spells them. The framework's own reading
     * takes signs, zeros before, digits of other scripts, groups of an id that are too short, and white space around.
     */
    public static boolean isSpelled(Class<?> type, String text) {
        if (type == Integer.class) {
            return NUMBER.matcher(text).matches();
        }
        if (type == UUID.class) {
            return UUID_TEXT.matcher(text).matches();
        }
        return !type.isEnum()
                || Arrays.stream(type.getEnumConstants())
                        .anyMatch(constant -> ((Enum<?>) constant).name().equals(text));
    }

    /** What is said of a text that cannot be of the type. */
    public static String mismatch(@Nullable Class<?> wanted) {
        if (wanted == UUID.class) {
            return "is no id; ids are UUIDs, such as 6f1c2b8e-0d2a-4c6e-9a55-0b7c7a3f9e10";
        }
        if (wanted != null && wanted.isEnum()) {
            return "is not allowed; allowed are "
                    + Arrays.stream(wanted.getEnumConstants())
                            .map(String::valueOf)
                            .collect(Collectors.joining(", "));
        }
        return "is no whole number of 32 bits in plain digits";
    }

    /**
     * A file's path, as a pattern captures the rest of a call's: with the slash before it, or nothing at all.
     *
     * @throws ProblemException {@code invalid-request} if it is none
     */
    public static RepositoryPath path(String rest) {
        return read("path", () -> new RepositoryPath(rest.startsWith("/") ? rest.substring(1) : rest));
    }

    /** Whether a parameter says so. The framework takes 1, yes and on for true as well. */
    public static boolean isTrue(String field, @Nullable String text) {
        return read(field, () -> {
            if (text != null && !text.equals("true") && !text.equals("false")) {
                throw new IllegalArgumentException("must be true or false");
            }
            return "true".equals(text);
        });
    }

    /**
     * A number that this service gave to be sent back.
     *
     * @param absent what stands for none
     */
    public static long number(String field, @Nullable String text, long absent) {
        return text == null || text.isEmpty()
                ? absent
                : read(field, () -> {
                    if (!ID.matcher(text).matches()) {
                        throw new IllegalArgumentException("must be the id of an event, a whole number");
                    }
                    return Long.parseLong(text);
                });
    }

    /**
     * Reads a value of a request.
     *
     * @throws ProblemException {@code invalid-request} naming the field, if the reader refuses it
     */
    public static <T> T read(String field, Supplier<T> reader) {
        try {
            return reader.get();
        } catch (IllegalArgumentException e) {
            var error = new FieldError(field, String.valueOf(e.getMessage()));
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST, field + ": " + error.message(), Map.of("errors", List.of(error)));
        }
    }
}
