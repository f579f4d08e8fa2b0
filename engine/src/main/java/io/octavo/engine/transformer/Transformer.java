package io.octavo.engine.transformer;

import io.octavo.engine.model.ModelSpec;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.Sampling;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A loaded model: tokens in, hidden states and logits out.
 *
 * <p>Borrows the checkpoint that it was loaded from, which must stay open. Serves one call at a time. Every matrix it
 * returns is a view of scratch memory, valid until the next call of the same method.
 */
public final class Transformer implements AutoCloseable {

    private final Backend backend;
    private final ModelSpec spec;
    private final RunLimits limits;
    private final Stream stream;
    private final TransformerWeights weights;
    private final Workspace workspace;
    private final OutputBuffers outputs;
    private final DeviceBatch deviceBatch;
    private final DeviceIntegers rowIndices;
    private final DeviceIntegers targets;
    private final DeviceIntegers requests;
    private final RopeTables ropes;

    Transformer(Backend backend, ModelSpec spec, RunLimits limits, TransformerWeights weights, Stream stream) {
        this.backend = backend;
        this.spec = spec;
        this.limits = limits;
        this.weights = weights;
        this.stream = stream;
        this.workspace = new Workspace(backend, spec, limits.batchTokens(), limits.logitRows());
        this.outputs = new OutputBuffers(backend, spec, limits);
        this.deviceBatch = new DeviceBatch(backend, limits);
        this.rowIndices = new DeviceIntegers(backend, "batch", limits.logitRows());
        this.targets = new DeviceIntegers(backend, "batch", limits.logitRows());
        this.requests = new DeviceIntegers(backend, "batch", limits.logitRows() * Sampling.REQUEST_WORDS);
        this.ropes = new RopeTables(backend, spec, limits.contextTokens(), stream);
    }

    public ModelSpec spec() {
        return spec;
    }

    public RunLimits limits() {
        return limits;
    }

    /** Waits until everything submitted has run. */
    public void synchronize() {
        stream.synchronize();
    }

    /**
     * A cache that holds {@code sequences} contexts of {@code tokens} tokens: of 8-bit floats if the checkpoint has scales
     * for them, else in the type that products take.
     */
    public KvCache newCache(int sequences, int tokens) {
        return newCache(sequences, tokens, defaultCacheType());
    }

    /** @param dtype F32, BF16, F8_E4M3 or I8 */
    public KvCache newCache(int sequences, int tokens, DType dtype) {
        return newCacheOfPages(KvCache.pagesFor(sequences, tokens), dtype);
    }

    /** A cache of so many pages, for as many sequences as they hold. */
    public KvCache newCacheOfPages(int pages, DType dtype) {
        return new KvCache(backend, spec, 0, spec.layers().size(), pages, dtype, weights.kvScales());
    }

    /** What a cache holds where nobody says otherwise. */
    public DType defaultCacheType() {
        return KvCache.defaultType(backend, weights.kvScales());
    }

    /** What decodes sequences of {@code cache}, which is borrowed. */
    public Decoder newDecoder(KvCache cache) {
        return new Decoder(this, stream, cache);
    }

    /**
     * Runs a batch through all layers.
     *
     * @return {@code [batch.tokens(), hidden]} F32, after the last norm
     */
    public Matrix forward(TokenBatch batch, KvCache cache) {
        DeviceBatch.View view = upload(batch);
        return forward(view.ids(), view, cache);
    }

    DeviceBatch.View upload(TokenBatch batch) {
        return deviceBatch.upload(batch, stream);
    }

    private Matrix forward(Matrix ids, DeviceBatch.View view, KvCache cache) {
        int tokens = Math.toIntExact(ids.columns());
        Matrix residual = workspace.residual(tokens);
        backend.operations().embedding().gather(weights.embedding(), ids, spec.embeddingMultiplier(), residual, stream);
        var pass = new Pass(backend, workspace, view, cache, ropes, stream);
        var state = new HiddenState(pass);
        weights.layers().forEach(layer -> layer.advance(state, pass));
        return state.read(spec.norm(), weights.head().norm(), List.of()).activations();
    }

    /**
     * Logits of chosen rows of a {@link #forward} result.
     *
     * @param rows at most {@code limits().logitRows()} row numbers
     * @return {@code [rows.length, vocabulary]} F32
     */
    public Matrix logits(Matrix hidden, int[] rows) {
        Matrix indices = rowIndices.set(rows, 1, stream);
        Matrix gathered = outputs.gathered(rows.length);
        backend.operations().embedding().gather(hidden, indices, 1, gathered, stream);
        return logits(gathered);
    }

    private Matrix logits(Matrix hidden) {
        Matrix logits = outputs.logits(Math.toIntExact(hidden.rows()));
        weights.head().logits(hidden, workspace, logits, stream);
        return logits;
    }

    /** Negative log-likelihood in nats of {@code targetIds[i]} under row {@code i} of a {@link #logits} result. */
    public float[] losses(Matrix logits, int[] targetIds) {
        Matrix wanted = targets.set(targetIds, 1, stream);
        Matrix losses = outputs.losses(targetIds.length);
        backend.operations().crossEntropy().loss(logits, wanted, losses, stream);
        return read(losses);
    }

    /** The tokens that {@link #decode} starts from and replaces by the next ones: {@code [1, texts]} I32. */
    Matrix current(int texts) {
        return outputs.winners(texts);
    }

    /** The tokens that texts hold, as {@link Sampling} reads and marks them. */
    Matrix seen(int texts) {
        return outputs.seen(texts);
    }

    /**
     * Submits everything that replaces the current tokens of a batch by the next ones.
     *
     * @param greedy whether all are the most likely ones, whatever the requests say
     */
    void decode(DeviceBatch.View batch, KvCache cache, boolean greedy) {
        Matrix logits = logits(forward(current(Math.toIntExact(batch.requests().rows())), batch, cache));
        if (greedy) {
            findMostLikely(logits);
        } else {
            draw(logits, batch.requests());
        }
    }

    /** Submits what finds the most likely tokens by a {@link #logits} result: they become the current ones. */
    void findMostLikely(Matrix logits) {
        backend.operations().argMax().find(logits, current(Math.toIntExact(logits.rows())), stream);
    }

    /** Submits what draws the current tokens of texts from a {@link #logits} result, and marks them as seen. */
    void draw(Matrix logits, int[] encodedRequests) {
        draw(logits, requests.set(encodedRequests, Math.toIntExact(logits.rows()), stream));
    }

    private void draw(Matrix logits, Matrix rowRequests) {
        int texts = Math.toIntExact(logits.rows());
        backend.operations().sampling().sample(logits, rowRequests, seen(texts), current(texts), stream);
    }

    /**
     * Row by row: KL(reference || logits) in nats, and 1 where both have their largest in one place, else 0.
     */
    public record Comparison(List<Float> divergences, List<Integer> agreements) {
        public Comparison {
            divergences = List.copyOf(divergences);
            agreements = List.copyOf(agreements);
        }
    }

    /**
     * Compares a {@link #logits} result with that of another model on the same device.
     *
     * @param reference of the other model, which has been synchronized
     */
    public Comparison compare(Matrix reference, Matrix logits) {
        int rows = Math.toIntExact(logits.rows());
        Matrix divergences = outputs.losses(rows);
        Matrix agreements = outputs.winners(rows);
        backend.operations().divergence().compare(reference, logits, divergences, agreements, stream);
        var found = new ArrayList<Float>();
        for (float divergence : read(divergences)) {
            found.add(divergence);
        }
        try (Arena arena = Arena.ofShared()) {
            int[] agreed = download(agreements, arena).toArray(ValueLayout.JAVA_INT);
            return new Comparison(found, IntStream.of(agreed).boxed().toList());
        }
    }

    /** Copies an F32 result to the host, row-major. */
    public float[] read(Matrix matrix) {
        try (Arena arena = Arena.ofShared()) {
            return download(matrix, arena).toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    /** Replaces an F32 result on the device, row-major. */
    public void write(float[] values, Matrix matrix) {
        matrix.buffer().copyFrom(MemorySegment.ofArray(values), matrix.offset(), stream);
        stream.synchronize();
    }

    private MemorySegment download(Matrix matrix, Arena arena) {
        MemorySegment host = arena.allocate(matrix.bytes(), matrix.dtype().bytes());
        matrix.buffer().copyTo(host, matrix.offset(), stream);
        stream.synchronize();
        return host;
    }

    @Override
    public void close() {
        stream.close();
        ropes.close();
        requests.close();
        targets.close();
        rowIndices.close();
        deviceBatch.close();
        outputs.close();
        workspace.close();
        weights.close();
    }
}
