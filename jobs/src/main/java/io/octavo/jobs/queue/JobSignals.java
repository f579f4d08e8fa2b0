package io.octavo.jobs.queue;

import io.octavo.jobs.lifecycle.LoopingThread;
import io.octavo.jobs.lifecycle.Restartable;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import javax.sql.DataSource;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Wakes whoever waits for jobs or events, over {@code LISTEN}. A signal is a hint, never the truth: it may be lost while
 * the connection is, so every waiter also looks by itself now and then.
 */
@Component
public class JobSignals extends Restartable {

    static final String QUEUE_CHANNEL = "octavo_queue";
    static final String EVENT_CHANNEL = "octavo_event";
    static final String CANCEL_CHANNEL = "octavo_cancel";

    private static final Logger LOG = LoggerFactory.getLogger(JobSignals.class);
    private static final int WAIT_MILLIS = 250;
    private static final int RECONNECT_MILLIS = 1000;
    private static final long CHECK_NANOS = 5_000_000_000L;

    private final DataSource dataSource;
    private final Map<String, Set<Runnable>> listeners = new ConcurrentHashMap<>();

    JobSignals(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    /** Calls when a job may have become ready; quickly, and from a foreign thread. */
    public Registration onQueue(Runnable listener) {
        return register(QUEUE_CHANNEL, listener);
    }

    /** Calls when a job has new events. */
    public Registration onEvents(UUID jobId, Runnable listener) {
        return register(EVENT_CHANNEL + jobId, listener);
    }

    /** Calls when somebody asked to cancel a running job. */
    public Registration onCancel(UUID jobId, Runnable listener) {
        return register(CANCEL_CHANNEL + jobId, listener);
    }

    private Registration register(String topic, Runnable listener) {
        listeners.computeIfAbsent(topic, key -> ConcurrentHashMap.newKeySet()).add(listener);
        return () -> listeners.computeIfPresent(topic, (key, set) -> {
            set.remove(listener);
            return set.isEmpty() ? null : set;
        });
    }

    private void wake(String topic) {
        listeners.getOrDefault(topic, Set.of()).forEach(Runnable::run);
    }

    private void wakeAll() {
        listeners.values().forEach(set -> set.forEach(Runnable::run));
    }

    @Override
    protected Life newLife() {
        return new Listener();
    }

    /** Starts before and stops after those who listen. */
    @Override
    public int getPhase() {
        return Integer.MIN_VALUE + 1000;
    }

    /** Ends a registration. */
    public interface Registration extends AutoCloseable {
        @Override
        void close();
    }

    /** One connection that listens, made anew whenever it breaks. */
    private final class Listener extends LoopingThread {

        Listener() {
            super(Thread.ofPlatform().daemon().name("job-signals"));
        }

        @Override
        protected void run() {
            while (!isStopped()) {
                try (Connection connection = dataSource.getConnection()) {
                    listen(connection);
                } catch (SQLException e) {
                    LOG.warn("Lost the connection that listens for jobs: {}", e.getMessage());
                    pause(RECONNECT_MILLIS);
                }
            }
        }

        private void listen(Connection connection) throws SQLException {
            execute(connection, "LISTEN " + QUEUE_CHANNEL);
            execute(connection, "LISTEN " + EVENT_CHANNEL);
            execute(connection, "LISTEN " + CANCEL_CHANNEL);
            wakeAll();
            PGConnection postgres = connection.unwrap(PGConnection.class);
            long checkedAt = System.nanoTime();
            while (!isStopped()) {
                PGNotification[] notifications = postgres.getNotifications(WAIT_MILLIS);
                if (System.nanoTime() - checkedAt > CHECK_NANOS) {
                    execute(connection, "select 1"); // silence alone does not tell a broken connection from a quiet one
                    checkedAt = System.nanoTime();
                }
                for (PGNotification notification : Objects.requireNonNullElse(notifications, new PGNotification[0])) {
                    wake(notification.getName() + notification.getParameter());
                }
            }
            execute(connection, "UNLISTEN *");
        }

        private void execute(Connection connection, String sql) throws SQLException {
            try (Statement statement = connection.createStatement()) {
                statement.execute(sql);
            }
        }
    }
}
