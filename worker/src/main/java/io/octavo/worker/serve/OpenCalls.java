package io.octavo.worker.serve;

import java.time.Duration;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The calls that are being answered, so that a server which stops can let each say that it did not get to its end. */
final class OpenCalls {

    /** One party is the server's own. */
    private final Phaser calls = new Phaser(1);

    private volatile boolean stopping;

    void begin() {
        calls.register();
    }

    void end() {
        calls.arriveAndDeregister();
    }

    /** Answers are to end now, whatever is still to come of them. */
    boolean isStopping() {
        return stopping;
    }

    /** Returns once all have ended, or patience has; others may go on to begin, and end as these do. */
    void stop(Duration patience) {
        stopping = true;
        try {
            calls.awaitAdvanceInterruptibly(calls.arrive(), patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (TimeoutException e) {
            // Who reads so slowly is cut off.
        }
    }
}
