package io.octavo.api.problem;

import io.octavo.jobs.problem.FieldError;
import io.octavo.jobs.problem.ProblemCode;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/** Tells of a body that could not be read what is wrong with it, where, and what may stand there. */
final class UnreadableBody {

    private static final int LONGEST = 300;

    /** The library tells how it could be made to take what is no JSON, and names its own parts. */
    private static final Pattern HINTS = Pattern.compile(
            ": enable `[^`]*` to allow|: maybe a \\(non-standard\\) comment\\?.*| \\(start marker at [^)]*\\)(?:; byte offset: [^)]*\\))?");

    private static final Pattern TWICE = Pattern.compile("Duplicate Object property \"(.*)\"", Pattern.DOTALL);
    private static final JsonFactory DEEP = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(Integer.MAX_VALUE)
                    .build())
            .build();

    private UnreadableBody() {}

    /** @param cause why the body could not be read; null where there is none */
    static ProblemDetail problem(@Nullable Throwable cause, HttpServletRequest request) {
        if (!(cause instanceof JacksonException failure)) {
            return problem("the body is empty; this call takes a JSON object");
        }
        String why = why(failure);
        ProblemDetail problem =
                problem("the body is not the JSON that is expected" + where(failure, request) + ": " + why);
        place(failure).ifPresent(place -> problem.setProperty("errors", List.of(new FieldError(place, why))));
        return problem;
    }

    private static ProblemDetail problem(String detail) {
        return Problems.of(HttpStatus.BAD_REQUEST, ProblemCode.INVALID_REQUEST.slug(), detail);
    }

    private static String why(JacksonException failure) {
        String said = HINTS.matcher(oneLine(Objects.requireNonNullElse(failure.getOriginalMessage(), "")))
                .replaceAll("");
        return switch (failure) {
            case UnrecognizedPropertyException unknown ->
                "'" + oneLine(unknown.getPropertyName()) + "' is not known here; known are "
                        + unknown.getKnownPropertyIds().stream()
                                .map(String::valueOf)
                                .sorted()
                                .collect(Collectors.joining(", "));
            case MismatchedInputException mismatch
            when said.startsWith("Trailing token") -> "text follows the end of the value";
            case MismatchedInputException mismatch ->
                said.startsWith("must ") ? said : "must be " + kind(mismatch.getTargetType());
            case StreamConstraintsException limit
            when isNesting(limit) ->
                "lists and objects are nested deeper than " + StreamReadConstraints.DEFAULT_MAX_DEPTH;
            case StreamConstraintsException limit -> said.replaceFirst(", from `.*", ")");
            case StreamReadException malformed -> {
                Matcher twice = TWICE.matcher(said);
                yield twice.find() ? "'" + twice.group(1) + "' is given twice" : said;
            }
            default -> "is not what is expected here";
        };
    }

    private static String oneLine(String text) {
        String line = text.replaceAll("\\p{Cntrl}+", " ").strip();
        return line.length() <= LONGEST ? line : line.substring(0, LONGEST) + "...";
    }

    private static String kind(@Nullable Class<?> type) {
        if (type == null) {
            return "something else";
        }
        if (Collection.class.isAssignableFrom(type) || type.isArray()) {
            return "a list";
        }
        if (type == String.class || type.isEnum()) {
            return "a string";
        }
        if (type == boolean.class || type == Boolean.class) {
            return "true or false";
        }
        if (type == int.class || type == Integer.class || type == long.class || type == Long.class) {
            return "a whole number";
        }
        if (type == double.class || type == Double.class) {
            return "a number";
        }
        return type == Instant.class ? "a time of RFC 3339 in UTC" : "an object";
    }

    private static Optional<String> place(JacksonException failure) {
        if (failure.getPath().isEmpty()) {
            return Optional.empty();
        }
        String place = failure.getPath().stream()
                .map(step ->
                        step.getPropertyName() == null ? "[" + step.getIndex() + "]" : "." + step.getPropertyName())
                .collect(Collectors.joining());
        return Optional.of(place.startsWith(".") ? place.substring(1) : place);
    }

    private static String where(JacksonException failure, HttpServletRequest request) {
        TokenStreamLocation location = failure.getLocation();
        if (isNesting(failure)) {
            location = tooDeep(request);
        }
        if (location == null || location.getLineNr() < 0) {
            return "";
        }
        String member = failure.processor() instanceof JsonParser parser && !isNesting(failure)
                ? parser.streamReadContext().pathAsPointer().toString()
                : "";
        return ": line " + location.getLineNr() + ", column " + location.getColumnNr()
                + (member.isEmpty() ? "" : ", at " + oneLine(member));
    }

    private static boolean isNesting(JacksonException failure) {
        return failure instanceof StreamConstraintsException
                && String.valueOf(failure.getOriginalMessage()).contains("nesting depth");
    }

    /** The limit's own failure does not say where. */
    private static @Nullable TokenStreamLocation tooDeep(HttpServletRequest request) {
        try (JsonParser parser = DEEP.createParser(ObjectReadContext.empty(), request.getInputStream())) {
            while (parser.nextToken() != null) {
                if (parser.streamReadContext().getNestingDepth() > StreamReadConstraints.DEFAULT_MAX_DEPTH) {
                    return parser.currentTokenLocation();
                }
            }
        } catch (IOException | JacksonException e) {
            return null;
        }
        return null;
    }
}
