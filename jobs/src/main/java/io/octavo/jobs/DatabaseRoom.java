package io.octavo.jobs;

import com.zaxxer.hikari.SQLExceptionOverride;
import io.octavo.jobs.problem.DatabaseFailure;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.function.Supplier;
import javax.sql.DataSource;

/**
 * Whether the database has room: not from the moment on at which it refused anybody in this process for want of it, until
 * it takes some pages again.
 */
public final class DatabaseRoom implements SQLExceptionOverride {

    /** About a megabyte, which nobody else sees and which is rolled back. */
    private static final String FILL =
            "create temporary table octavo_room as select n from generate_series(1, 30000) n";

    private final Supplier<? extends DataSource> database;
    private volatile boolean full;

    DatabaseRoom(Supplier<? extends DataSource> database) {
        this.database = database;
    }

    /** The pool asks what to do with the connection; that is left to its own rules. */
    @java.lang.Override // the inherited Override is another one
    public Override adjudicate(SQLException failure) {
        if (DatabaseFailure.isFull(failure)) {
            full = true;
        }
        return Override.CONTINUE_EVICT;
    }

    /** Asks the database only while it is full. */
    public boolean isFull() {
        if (full) {
            try (Connection connection = database.get().getConnection();
                    Statement statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                statement.execute(FILL);
                connection.rollback();
                full = false;
            } catch (SQLException e) {
                // It is full still, or away, which others tell.
            }
        }
        return full;
    }
}
