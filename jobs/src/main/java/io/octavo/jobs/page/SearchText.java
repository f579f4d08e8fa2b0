package io.octavo.jobs.page;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a listing's rows must contain somewhere, whatever its case; lower case here. Empty for all rows. */
public record SearchText(String value) {

    private static final int MAX = 200;

    public static SearchText of(@Nullable String text) {
        if (text == null) {
            return new SearchText("");
        }
        if (text.length() > MAX || text.chars().anyMatch(Character::isISOControl)) {
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST,
                    "search must have at most " + MAX + " characters and no control characters");
        }
        return new SearchText(text.toLowerCase(Locale.ROOT));
    }
}
