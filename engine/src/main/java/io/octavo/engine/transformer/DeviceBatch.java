package io.octavo.engine.transformer;

import io.octavo.kernels.attention.Attention;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.operation.Sampling;
import java.util.List;

/** Device memory into which each {@link TokenBatch} is uploaded: at the same addresses for batches of the same shape. */
final class DeviceBatch implements AutoCloseable {

    /**
     * A batch on the device; valid until the next upload.
     *
     * @param requests {@code [sequences, REQUEST_WORDS]} I32; of a batch after which nothing is drawn, without rows
     */
    record View(Matrix ids, Matrix positions, Matrix slots, Attention.Batch attention, Matrix requests) {}

    private final RunLimits limits;
    private final DeviceIntegers integers;

    DeviceBatch(Backend backend, RunLimits limits) {
        this.limits = limits;
        this.integers = new DeviceIntegers(backend, "batch", capacity(limits));
    }

    private static int capacity(RunLimits limits) {
        int tokens = limits.batchTokens();
        int sequences = limits.batchSequences();
        int maxPages = TokenBatch.roundedPages(Math.ceilDiv(limits.contextTokens(), KvCacheLayout.PAGE_TOKENS));
        int pages = Math.multiplyExact(sequences, maxPages);
        int requests = Math.multiplyExact(sequences, Sampling.REQUEST_WORDS);
        return DeviceIntegers.capacity(tokens, tokens, tokens, sequences + 1, sequences, pages, requests);
    }

    /** Of device memory. */
    static long bytes(RunLimits limits) {
        return (long) capacity(limits) * Integer.BYTES;
    }

    /** @throws IllegalArgumentException if the batch exceeds the limits */
    View upload(TokenBatch batch, Stream stream) {
        if (batch.tokens() < 1
                || batch.tokens() > limits.batchTokens()
                || batch.sequences() > limits.batchSequences()) {
            throw new IllegalArgumentException("batch of " + batch.tokens() + " tokens in " + batch.sequences()
                    + " sequences, allowed 1 to " + limits.batchTokens() + " in " + limits.batchSequences());
        }
        List<Matrix> rows = integers.setAll(
                List.of(
                        batch.ids(),
                        batch.positions(),
                        batch.slots(),
                        batch.queryStarts(),
                        batch.contextLengths(),
                        batch.pageTable(),
                        batch.requests()),
                stream);
        Matrix pageTable = rows.get(5).reshape(batch.sequences(), batch.maxPages());
        Matrix requests = rows.get(6);
        return new View(
                rows.get(0),
                rows.get(1),
                rows.get(2),
                new Attention.Batch(rows.get(3), rows.get(4), pageTable),
                requests.reshape(requests.columns() / Sampling.REQUEST_WORDS, Sampling.REQUEST_WORDS));
    }

    @Override
    public void close() {
        integers.close();
    }
}
