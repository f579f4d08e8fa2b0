package io.octavo.jobs.problem;

import java.sql.SQLException;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.transaction.CannotCreateTransactionException;

/** Tells failures of the database itself from those of a question to it, by whatever they are wrapped in. */
public final class DatabaseFailure {

    /** SQLSTATE of a server whose disk is full. */
    private static final String DISK_FULL = "53100";

    /** A transaction that cannot be put in order with another one, or that waited in a circle. */
    private static final Set<String> MET_ANOTHER = Set.of("40001", "40P01");

    /** Classes of SQLSTATE: connections, transactions that met others, resources, operators, the server's system. */
    private static final Set<String> FOR_NOW = Set.of("08", "40", "53", "57", "58");

    private DatabaseFailure() {}

    /** {@code database-full}, {@code database-unavailable}; empty for what would fail again. */
    public static Optional<ProblemException> of(Throwable failure) {
        if (states(failure).anyMatch(DISK_FULL::equals)) {
            return Optional.of(new ProblemException(ProblemCode.DATABASE_FULL, "the database has no room", failure));
        }
        boolean away = states(failure).anyMatch(state -> FOR_NOW.contains(state.substring(0, 2)))
                || causes(failure)
                        .anyMatch(cause -> cause instanceof DataAccessResourceFailureException
                                || cause instanceof CannotCreateTransactionException);
        return away
                ? Optional.of(new ProblemException(
                        ProblemCode.DATABASE_UNAVAILABLE, "the database did not answer; try again", failure))
                : Optional.empty();
    }

    /** Whether the server says that it has no room. */
    public static boolean isFull(SQLException failure) {
        return DISK_FULL.equals(failure.getSQLState());
    }

    /** Whether a transaction failed for another one, so that it may be tried again at once. */
    public static boolean metAnother(Throwable failure) {
        return states(failure).anyMatch(MET_ANOTHER::contains);
    }

    private static Stream<Throwable> causes(Throwable failure) {
        return Stream.iterate(failure, Objects::nonNull, Throwable::getCause);
    }

    private static Stream<String> states(Throwable failure) {
        return causes(failure)
                .filter(SQLException.class::isInstance)
                .map(cause -> ((SQLException) cause).getSQLState())
                .filter(state -> state != null && state.length() == DISK_FULL.length());
    }
}
