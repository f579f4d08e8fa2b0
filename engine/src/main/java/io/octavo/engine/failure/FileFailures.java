package io.octavo.engine.failure;

import java.nio.channels.ClosedByInterruptException;
import java.util.function.Supplier;

/** What work over the files of a checkpoint may end with beside its own failures. */
public final class FileFailures {

    private FileFailures() {}

    /**
     * @throws JobCancelledException where the thread was interrupted while it read or wrote
     * @throws QuantizationException {@code IO_FAILED} where a mapped file ended early
     */
    public static <T> T translate(Supplier<T> work) {
        try {
            return work.get();
        } catch (QuantizationException e) {
            if (e.getCause() instanceof ClosedByInterruptException) {
                throw new JobCancelledException("interrupted");
            }
            throw e;
        } catch (InternalError e) {
            // What the JVM throws when a mapped file shrinks or its disk fails while it is read.
            throw new QuantizationException(
                    ErrorCode.IO_FAILED, "a file of the checkpoint could not be read to its end", e);
        }
    }
}
