package io.octavo.jobs.page;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import org.jspecify.annotations.Nullable;

/** How many rows of a listing one answer holds. */
public record PageLimit(int value) {

    public static final int DEFAULT = 50;
    public static final int MAX = 500;

    public PageLimit {
        if (value < 1 || value > MAX) {
            throw new ProblemException(ProblemCode.INVALID_REQUEST, "limit must be from 1 to " + MAX + ": " + value);
        }
    }

    public static PageLimit of(@Nullable Integer limit) {
        return new PageLimit(limit == null ? DEFAULT : limit);
    }

    /** Rows to ask for, so that a next page shows itself. */
    public int probe() {
        return value + 1;
    }
}
