package io.octavo.jobs.queue;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Wakes whoever waits for jobs or events, over {@code LISTEN}. A signal is a hint, never the truth: it may be lost while
 * the connection is, so every waiter also looks by itself now and then.
 */
@Component
public class JobSignals implements SmartLifecycle {

    static final String QUEUE_CHANNEL = "octavo_queue";
    static final String EVENT_CHANNEL = "octavo_event";
    static final String CANCEL_CHANNEL = "octavo_cancel";

    private static final Logger LOG = LoggerFactory.getLogger(JobSignals.class);
    private static final int WAIT_MILLIS = 250;
    private static final int RECONNECT_MILLIS = 1000;
    private static final long CHECK_NANOS = 5_000_000_000L;

    private final DataSource dataSource;
    private final Map<String, Set<Runnable>> listeners = new ConcurrentHashMap<>();
    private @Nullable Listener listener;

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
    public synchronized void start() {
        if (listener == null) {
            listener = new Listener();
            listener.thread.start();
        }
    }

    @Override
    public synchronized void stop() {
        if (listener != null) {
            listener.stopAndJoin();
            listener = null;
        }
    }

    @Override
    public synchronized boolean isRunning() {
        return listener != null;
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
    private final class Listener {

        private final CountDownLatch stopped = new CountDownLatch(1);
        private final Thread thread =
                Thread.ofPlatform().daemon().name("job-signals").unstarted(this::run);

        private void run() {
            while (stopped.getCount() > 0) {
                try (Connection connection = dataSource.getConnection()) {
                    listen(connection);
                } catch (SQLException e) {
                    LOG.warn("Lost the connection that listens for jobs: {}", e.getMessage());
                    pause();
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
            while (stopped.getCount() > 0) {
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

        private void pause() {
            try {
                stopped.await(RECONNECT_MILLIS, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                stopped.countDown();
            }
        }

        private void stopAndJoin() {
            stopped.countDown();
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
