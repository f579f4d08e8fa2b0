package io.octavo.engine.transformer;

import io.octavo.kernels.Attention;
import io.octavo.kernels.Backend;
import io.octavo.kernels.KvCacheLayout;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;

/** Buffers at fixed addresses into which each {@link TokenBatch} is uploaded. */
final class DeviceBatch implements AutoCloseable {

    /** A batch on the device; valid until the next upload. */
    record View(Matrix ids, Matrix positions, Matrix slots, Attention.Batch attention) {}

    private final RunLimits limits;
    private final DeviceIntegers ids;
    private final DeviceIntegers positions;
    private final DeviceIntegers slots;
    private final DeviceIntegers queryStarts;
    private final DeviceIntegers contextLengths;
    private final DeviceIntegers pageTable;

    DeviceBatch(Backend backend, RunLimits limits) {
        this.limits = limits;
        this.ids = new DeviceIntegers(backend, "batch", limits.batchTokens());
        this.positions = new DeviceIntegers(backend, "batch", limits.batchTokens());
        this.slots = new DeviceIntegers(backend, "batch", limits.batchTokens());
        this.queryStarts = new DeviceIntegers(backend, "batch", limits.batchSequences() + 1);
        this.contextLengths = new DeviceIntegers(backend, "batch", limits.batchSequences());
        int maxPages = Math.ceilDiv(limits.contextTokens(), KvCacheLayout.PAGE_TOKENS);
        this.pageTable = new DeviceIntegers(backend, "batch", Math.multiplyExact(limits.batchSequences(), maxPages));
    }

    /** @throws IllegalArgumentException if the batch exceeds the limits */
    View upload(TokenBatch batch, Stream stream) {
        if (batch.tokens() < 1
                || batch.tokens() > limits.batchTokens()
                || batch.sequences() > limits.batchSequences()) {
            throw new IllegalArgumentException("batch of " + batch.tokens() + " tokens in " + batch.sequences()
                    + " sequences, allowed 1 to " + limits.batchTokens() + " in " + limits.batchSequences());
        }
        int sequences = batch.sequences();
        return new View(
                ids.set(batch.ids(), 1, stream),
                positions.set(batch.positions(), 1, stream),
                slots.set(batch.slots(), 1, stream),
                new Attention.Batch(
                        queryStarts.set(batch.queryStarts(), 1, stream),
                        contextLengths.set(batch.contextLengths(), 1, stream),
                        pageTable.set(batch.pageTable(), sequences, stream)));
    }

    @Override
    public void close() {
        ids.close();
        positions.close();
        slots.close();
        queryStarts.close();
        contextLengths.close();
        pageTable.close();
    }
}
