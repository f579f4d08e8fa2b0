package io.octavo.api.hub;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.Semaphore;

/**
 * How much of this process' memory the lines of all commits that are read at once may take together. What does not fit is
 * refused rather than waited for: its senders may take as long as they like.
 */
final class LineRoom {

    private static final long LEAST = 64L << 20;

    /** As text, as a string and decoded. */
    private static final int COPIES = 3;

    private final Semaphore room = new Semaphore((int)
            Math.min(Integer.MAX_VALUE, Math.max(LEAST, Runtime.getRuntime().maxMemory() / 16)));

    /** @param most bytes of the whole stream */
    Metered meter(InputStream body, long most) {
        return new Metered(body, most);
    }

    /** Holds room for what was read of a line; closing it, or the line's end, gives it back. */
    final class Metered extends FilterInputStream {

        private long left;
        private int held;

        private Metered(InputStream body, long most) {
            super(body);
            this.left = most;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            int read = super.read(buffer, offset, length);
            if (read > 0) {
                left -= read;
                if (left < 0) {
                    throw new ProblemException(ProblemCode.BODY_TOO_LARGE, "the commit is too long; make several");
                }
                take(read * COPIES);
            }
            return read;
        }

        private void take(int bytes) {
            if (!room.tryAcquire(bytes)) {
                throw new ProblemException(
                        ProblemCode.RATE_LIMITED, "the service reads as many commits as it may; try again later");
            }
            held += bytes;
        }

        void endLine() {
            room.release(held);
            held = 0;
        }

        @Override
        public void close() {
            endLine(); // the body itself is the server's
        }
    }
}
