package io.octavo.engine.transformer;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.transformer.weight.ChangedWeights;
import io.octavo.engine.transformer.weight.KvScales;
import io.octavo.engine.transformer.weight.ModuleReader;
import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Texts on their way through a model of which one layer at a time is on the device. Between layers the hidden states of all
 * of them wait, in host memory or on a device that has plenty, with nothing left to add.
 *
 * <p>Every text runs by itself, from its first token on, so that results are those of {@link Transformer#forward} with that
 * text alone. Borrows the checkpoint, which must stay open. Not thread-safe.
 */
public final class LayerStream implements AutoCloseable {

    private final ModelLoader loader;
    private final Backend backend;
    private final ModelSpec spec;
    private final List<int[]> texts;
    private final int longest;
    private final Stream stream;
    private final boolean ownsStream;
    private final Workspace workspace;
    private final DeviceBatch batch;
    private final RopeTables ropes;
    private final KvScales scales;
    private final TextStates states;
    private final Deque<Runnable> closing = new ArrayDeque<>();
    private int next;

    LayerStream(ModelLoader loader, Backend backend, ModelSpec spec, List<int[]> texts) {
        this(loader, backend, spec, texts, null);
    }

    /** @param shared borrowed; null for a stream of its own */
    private LayerStream(
            ModelLoader loader, Backend backend, ModelSpec spec, List<int[]> texts, @Nullable Stream shared) {
        this.loader = loader;
        this.backend = backend;
        this.spec = spec;
        this.texts = List.copyOf(texts);
        this.longest = texts.stream().mapToInt(tokens -> tokens.length).max().orElseThrow();
        this.stream = shared == null ? backend.newStream() : shared;
        this.ownsStream = shared == null;
        try {
            this.workspace = owned(new Workspace(backend, spec, longest, 0), Workspace::close);
            this.batch = owned(new DeviceBatch(backend, limits(longest)), DeviceBatch::close);
            this.ropes = owned(new RopeTables(backend, spec, longest, stream), RopeTables::close);
            this.scales = loader.kvScales(owned(loader.reader(stream), ModuleReader::close));
            Tensor embedding = loader.embedding();
            this.states = owned(new TextStates(backend, this.texts, spec.hiddenSize()), TextStates::close);
            for (int text = 0; text < this.texts.size(); text++) {
                embed(text, embedding);
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * The same texts on their way through the model again; what runs in one runs after what was submitted to the other before.
     * Closed before this.
     */
    public LayerStream beside() {
        return new LayerStream(loader, backend, spec, texts, stream);
    }

    static RunLimits limits(int longest) {
        return new RunLimits(longest, 1, longest, 1);
    }

    /** To be closed with this, after what comes later. */
    private <T> T owned(T resource, Consumer<T> close) {
        closing.push(() -> close.accept(resource));
        return resource;
    }

    /** Copies no more of the embedding than the text needs: it may be larger than a layer. Unknown tokens become NaN. */
    private void embed(int text, Tensor embedding) {
        int[] tokens = texts.get(text);
        long rowBytes = Matrix.bytes(embedding.dtype(), 1, spec.hiddenSize());
        Matrix residual = workspace.residual(tokens.length);
        Matrix normed = workspace.normed(tokens.length);
        try (Arena arena = Arena.ofShared();
                var numbers = new DeviceIntegers(backend, "batch", tokens.length)) {
            MemorySegment rows = arena.allocate(tokens.length * rowBytes, Long.BYTES);
            int[] found = IntStream.range(0, tokens.length)
                    .map(i -> tokens[i] < spec.vocabularySize() ? i : -1)
                    .toArray();
            for (int i = 0; i < tokens.length; i++) {
                if (found[i] >= 0) {
                    MemorySegment.copy(embedding.segment(), tokens[i] * rowBytes, rows, i * rowBytes, rowBytes);
                }
            }
            normed.buffer().copyFrom(rows, normed.offset(), stream);
            Matrix ids = numbers.set(found, 1, stream);
            Matrix table =
                    new Matrix(normed.buffer(), normed.offset(), embedding.dtype(), tokens.length, spec.hiddenSize());
            backend.operations().embedding().gather(table, ids, spec.embeddingMultiplier(), residual, stream);
            states.write(text, residual, stream);
            stream.synchronize();
        }
    }

    public int layers() {
        return spec.layers().size();
    }

    /** The layer that the texts enter next; {@link #layers()} after the last. */
    public int next() {
        return next;
    }

    /**
     * Loads the next layer, runs all texts through it, and releases it.
     *
     * @param afterText called after each; may throw, after which this can only be closed
     */
    public void advance(ActivationObserver observer, Runnable afterText) {
        advance(observer, afterText, ChangedWeights.none());
    }

    /** The same with other weights in place of some of the layer's. */
    public void advance(ActivationObserver observer, Runnable afterText, ChangedWeights changed) {
        try (Loaded layer = load(changed)) {
            layer.advance(observer, afterText);
        }
    }

    /** The same, but the texts enter the layer again afterwards, as if nothing had been. */
    public void look(ActivationObserver observer, Runnable afterText, ChangedWeights changed) {
        try (Loaded layer = load(changed)) {
            for (int text = 0; text < texts.size(); text++) {
                layer.look(text, observer);
                afterText.run();
            }
        }
    }

    /** Receives what texts leave a layer with. */
    @FunctionalInterface
    public interface Outputs {

        /** @param hidden {@code [tokens, hidden]} F32, row-major; a copy */
        void text(int text, float[] hidden);
    }

    /** Runs all texts through the next layer with other weights, tells what they leave it with, and lets them enter it again. */
    public void look(ChangedWeights changed, Outputs outputs) {
        try (Loaded layer = load(changed)) {
            for (int text = 0; text < texts.size(); text++) {
                outputs.text(text, hidden(layer.run(text, states, ActivationObserver.none())));
            }
        }
    }

    /**
     * The same, and what the texts left the layer with goes on beside them: {@link Loaded#advance(Branch, Runnable)} takes it
     * through further layers before these texts go there.
     */
    public Branch branch(ChangedWeights changed, Outputs outputs) {
        var branch = new Branch(new TextStates(backend, texts, spec.hiddenSize()));
        try (Loaded layer = load(changed)) {
            for (int text = 0; text < texts.size(); text++) {
                Matrix complete = layer.run(text, states, ActivationObserver.none());
                branch.states.write(text, complete, stream);
                outputs.text(text, hidden(complete));
            }
        } catch (RuntimeException e) {
            branch.close();
            throw e;
        }
        return branch;
    }

    private float[] hidden(Matrix complete) {
        float[] hidden = new float[Math.toIntExact(complete.rows() * complete.columns())];
        complete.buffer().copyTo(MemorySegment.ofArray(hidden), complete.offset(), stream);
        stream.synchronize();
        return hidden;
    }

    /** Bytes that the hidden states of a branch take. */
    public long branchBytes() {
        return texts.stream()
                .mapToLong(tokens -> Matrix.bytes(DType.F32, tokens.length, spec.hiddenSize()))
                .sum();
    }

    /** The same texts after a layer of other weights. Closed before the stream that it is of. */
    public static final class Branch implements AutoCloseable {

        private final TextStates states;

        private Branch(TextStates states) {
            this.states = states;
        }

        TextStates states() {
            return states;
        }

        @Override
        public void close() {
            states.close();
        }
    }

    /** What follows the last layer, for texts that have left it. Closed before this. */
    public TextOutputs outputs() {
        if (next < layers()) {
            throw new IllegalStateException("the texts are in front of layer " + next);
        }
        return new TextOutputs(loader, backend, spec, texts, workspace, states, stream);
    }

    /** Loads the next layer, until that is closed, for texts to run through it one by one. */
    public Loaded load(ChangedWeights changed) {
        return new Loaded(changed);
    }

    /** A layer on the device. */
    public final class Loaded implements AutoCloseable {

        private final ModuleReader modules;
        private final KvCache cache;
        private final DecoderLayer layer;

        private Loaded(ChangedWeights changed) {
            modules = loader.reader(stream, changed);
            try {
                cache = cache();
            } catch (RuntimeException e) {
                modules.close();
                throw e;
            }
            try {
                layer = loader.layer(next, modules);
            } catch (RuntimeException e) {
                close();
                throw e;
            }
        }

        /**
         * Runs a text through, as far as the observer wants to see, which enters the layer again afterwards. What was observed is
         * complete when this is closed.
         */
        public void look(int text, ActivationObserver observer) {
            try {
                run(text, states, observer);
            } catch (LinearInput.SeenEnough e) {
                // What it has seen is what it wanted.
            }
        }

        /** Runs all texts through, which enter the layer after this one next. */
        public void advance(ActivationObserver observer, Runnable afterText) {
            for (int text = 0; text < texts.size(); text++) {
                advance(text, observer);
                afterText.run();
            }
        }

        /** Runs the texts through one after the other, from the first to the last; with that all enter the layer after this one. */
        public void advance(int text, ActivationObserver observer) {
            states.write(text, run(text, states, observer), stream);
            next += text == texts.size() - 1 ? 1 : 0;
        }

        /** Runs the texts of a branch through; the others enter this layer all the same. */
        public void advance(Branch branch, Runnable afterText) {
            for (int text = 0; text < texts.size(); text++) {
                branch.states.write(text, run(text, branch.states, ActivationObserver.none()), stream);
                afterText.run();
            }
        }

        /** @return what the text leaves the layer with, until the next one runs */
        private Matrix run(int text, TextStates entering, ActivationObserver observer) {
            workspace.observe(observer);
            int[] tokens = texts.get(text);
            entering.read(text, workspace.residual(tokens.length), stream);
            try (KvCache.Sequence sequence = cache.newSequence()) {
                DeviceBatch.View view = batch.upload(new TokenBatch().add(sequence, tokens), stream);
                var pass = new Pass(backend, workspace, view, cache, ropes, stream);
                var state = new HiddenState(pass);
                layer.advance(state, pass);
                return state.complete();
            }
        }

        @Override
        public void close() {
            stream.synchronize();
            cache.close();
            modules.close();
        }
    }

    private KvCache cache() {
        return new KvCache(
                backend,
                spec,
                next,
                next + 1,
                KvCache.pagesFor(1, longest),
                KvCache.defaultType(backend, scales),
                scales);
    }

    /** What a text's tokens enter the {@link #next} layer with: {@code [tokens, hidden]} F32, row-major. */
    public float[] state(int text) {
        float[] state = new float[Math.multiplyExact(texts.get(text).length, spec.hiddenSize())];
        stream.synchronize();
        states.copyTo(text, MemorySegment.ofArray(state), stream);
        stream.synchronize();
        return state;
    }

    @Override
    public void close() {
        // Its work ends before anything that it uses goes away.
        if (ownsStream) {
            stream.close();
        } else {
            stream.synchronize();
        }
        while (!closing.isEmpty()) {
            closing.pop().run();
        }
    }

    /**
     * Memory that a stream takes, told from a checkpoint's headers.
     *
     * @param layerBytes of the largest layer as it is stored and its cache, on the device while texts run through it
     * @param sharedBytes of all that one text is computed in, on the device
     * @param stateBytes of the hidden states of all texts, on a device that has plenty or in host memory
     */
    public record Memory(long layerBytes, long sharedBytes, long stateBytes) {

        /**
         * @param productInput of the backend: BF16 for a GPU, F32 for a CPU, whose layers stay in the mapped files, however
         * @param texts at most
         * @param tokens of a text, at most
         */
        public static Memory of(Checkpoint checkpoint, ModelSpec spec, DType productInput, int texts, int tokens) {
            long cached = (long) KvCache.pagesFor(1, tokens) * KvCacheLayout.PAGE_TOKENS;
            long layer = spec.layers().stream()
                    .mapToLong(each -> stored(checkpoint, each) + cached * KvCache.bytesPerToken(each, productInput))
                    .max()
                    .orElse(0);
            long shared = Workspace.bytes(spec, tokens, 0, productInput)
                    + RopeTables.bytes(spec, tokens)
                    + DeviceBatch.bytes(limits(tokens));
            return new Memory(layer, shared, texts * Matrix.bytes(DType.F32, tokens, spec.hiddenSize()));
        }

        public long deviceBytes() {
            return layerBytes + sharedBytes;
        }

        private static long stored(Checkpoint checkpoint, LayerSpec layer) {
            return checkpoint.stored().entrySet().stream()
                    .filter(tensor -> tensor.getKey().startsWith(layer.name() + "."))
                    .mapToLong(tensor -> tensor.getValue().info().byteSize())
                    .sum();
        }
    }
}
