package io.octavo.engine.serve;

import java.time.Duration;
import java.util.Optional;

/**
 * A request on its way, as a stream of events. One thread reads at a time; any thread may cancel.
 *
 * <p>The stream is bounded: while {@value #MOST_UNREAD} events are unread, the request's texts stand still, without keeping
 * anybody else from going on, and may lose their pages to others until somebody reads.
 */
public interface Completion extends AutoCloseable {

    int MOST_UNREAD = 256;

    /**
     * Waits for the next event.
     *
     * @param patience how long to wait at most
     * @return empty if nothing has happened in that time. After the last event, that one again
     */
    Optional<CompletionEvent> next(Duration patience) throws InterruptedException;

    /**
     * Ends the request as soon as the running step ends; its pages are free then. What was not read is dropped, and the next
     * event is {@link CompletionEvent.End}. Without effect on a request that is over.
     */
    void cancel();

    /** Tokens so far. */
    Usage usage();

    /** Cancels what is not over. */
    @Override
    default void close() {
        cancel();
    }
}
