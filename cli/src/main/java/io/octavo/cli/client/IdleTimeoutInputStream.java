package io.octavo.cli.client;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Ends a read that waits too long. The HTTP client's own timeout covers the headers only, so a server that dies behind a
 * silent network would otherwise hold a download for ever.
 */
final class IdleTimeoutInputStream extends FilterInputStream {

    private final ScheduledExecutorService clock;
    private final Duration longestSilence;
    private volatile boolean timedOut;

    IdleTimeoutInputStream(InputStream in, ScheduledExecutorService clock, Duration longestSilence) {
        super(in);
        this.clock = clock;
        this.longestSilence = longestSilence;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        Future<?> alarm = clock.schedule(this::giveUp, longestSilence.toMillis(), TimeUnit.MILLISECONDS);
        try {
            int count = in.read(buffer, offset, length);
            if (count < 0 && timedOut) {
                throw silence();
            }
            return count;
        } catch (IOException e) {
            throw timedOut ? silence() : e;
        } finally {
            alarm.cancel(false);
        }
    }

    private void giveUp() {
        timedOut = true;
        try {
            in.close();
        } catch (IOException e) {
            throw new IllegalStateException("closing a silent connection", e);
        }
    }

    private SocketTimeoutException silence() {
        return new SocketTimeoutException("the server sent nothing for " + longestSilence.toMillis() / 1e3 + " s");
    }
}
