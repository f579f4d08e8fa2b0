package io.octavo.engine.transformer;

import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.transformer.LayerStream.Branch;
import io.octavo.engine.transformer.weight.ModuleReader;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/** What a model says of the next tokens of texts that have passed its layers: the logits of some rows at a time. */
public final class TextOutputs implements AutoCloseable {

    private static final int ROWS = 64;

    private final Backend backend;
    private final ModelSpec spec;
    private final List<int[]> texts;
    private final Workspace workspace;
    private final TextStates states;
    private final Stream stream;
    private final Deque<Runnable> closing = new ArrayDeque<>();
    private final TransformerWeights.Head head;
    private final DeviceBuffer normed;
    private final DeviceBuffer otherNormed;
    private final DeviceBuffer logits;
    private final DeviceBuffer otherLogits;
    private final DeviceBuffer losses;
    private final DeviceBuffer integers;

    /** Borrows everything. */
    TextOutputs(
            ModelLoader loader,
            Backend backend,
            ModelSpec spec,
            List<int[]> texts,
            Workspace workspace,
            TextStates states,
            Stream stream) {
        this.backend = backend;
        this.spec = spec;
        this.texts = texts;
        this.workspace = workspace;
        this.states = states;
        this.stream = stream;
        int longest = texts.stream().mapToInt(tokens -> tokens.length).max().orElseThrow();
        try {
            ModuleReader modules = loader.reader(stream);
            closing.push(modules::close);
            this.head = loader.head(modules);
            this.normed = buffer(longest, spec.hiddenSize());
            this.otherNormed = buffer(longest, spec.hiddenSize());
            this.logits = buffer(ROWS, spec.vocabularySize());
            this.otherLogits = buffer(ROWS, spec.vocabularySize());
            this.losses = buffer(1, ROWS);
            this.integers = buffer(1, ROWS);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Memory of the backend beside that of the stream.
     *
     * @param head type of the output projection as it is stored
     * @param longest tokens of a text, at most
     */
    public static long bytes(ModelSpec spec, DType head, int longest) {
        return Matrix.bytes(head, spec.vocabularySize(), spec.hiddenSize())
                + 2 * Matrix.bytes(DType.F32, longest, spec.hiddenSize())
                + 2 * Matrix.bytes(DType.F32, ROWS, spec.vocabularySize());
    }

    /** Of as many numbers of four bytes. */
    private DeviceBuffer buffer(long rows, long columns) {
        DeviceBuffer buffer = backend.allocate("outputs", Matrix.bytes(DType.F32, rows, columns));
        closing.push(buffer::close);
        return buffer;
    }

    /**
     * Negative log-likelihood of the texts' tokens after each one's first.
     *
     * @param afterText called after each; may throw
     * @return its mean, in nats; 0 where no text has two tokens
     */
    public double loss(Runnable afterText) {
        double sum = 0;
        long count = 0;
        for (int text = 0; text < texts.size(); text++) {
            int[] tokens = texts.get(text);
            Matrix hidden = normed(text, states, normed);
            for (int from = 0; from + 1 < tokens.length; from += ROWS) {
                int to = Math.min(from + ROWS, tokens.length - 1);
                integers.copyFrom(MemorySegment.ofArray(Arrays.copyOfRange(tokens, from + 1, to + 1)), 0, stream);
                Matrix found = Matrix.of(losses, DType.F32, 1, to - from);
                backend.operations()
                        .crossEntropy()
                        .loss(logits(hidden, from, to, logits), numbers(to - from), found, stream);
                sum += sum(found);
                count += to - from;
            }
            afterText.run();
        }
        return count == 0 ? 0 : sum / count;
    }

    /**
     * How far what the model says after each token moved in a branch.
     *
     * @param branch of the same texts, which has passed all layers too
     * @param afterText called after each; may throw
     * @return the mean of KL(these || branch), in nats
     */
    public double divergence(Branch branch, Runnable afterText) {
        double sum = 0;
        long count = 0;
        for (int text = 0; text < texts.size(); text++) {
            int length = texts.get(text).length;
            Matrix hidden = normed(text, states, normed);
            Matrix other = normed(text, branch.states(), otherNormed);
            for (int from = 0; from < length; from += ROWS) {
                int to = Math.min(from + ROWS, length);
                Matrix found = Matrix.of(losses, DType.F32, 1, to - from);
                Matrix reference = logits(hidden, from, to, logits);
                Matrix changed = logits(other, from, to, otherLogits);
                backend.operations().divergence().compare(reference, changed, found, numbers(to - from), stream);
                sum += sum(found);
            }
            count += length;
            afterText.run();
        }
        return sum / count;
    }

    private Matrix numbers(long count) {
        return Matrix.of(integers, DType.I32, 1, count);
    }

    private Matrix normed(int text, TextStates of, DeviceBuffer target) {
        int tokens = texts.get(text).length;
        Matrix residual = workspace.residual(tokens);
        of.read(text, residual, stream);
        Matrix out = Matrix.of(target, DType.F32, tokens, spec.hiddenSize());
        head.normalize(residual, out, stream);
        return out;
    }

    private Matrix logits(Matrix hidden, int from, int to, DeviceBuffer target) {
        Matrix out = Matrix.of(target, DType.F32, to - from, spec.vocabularySize());
        head.logits(hidden.rows(from, to), workspace, out, stream);
        return out;
    }

    private double sum(Matrix found) {
        float[] values = new float[Math.toIntExact(found.columns())];
        found.buffer().copyTo(MemorySegment.ofArray(values), 0, stream);
        stream.synchronize();
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum;
    }

    @Override
    public void close() {
        stream.synchronize();
        while (!closing.isEmpty()) {
            closing.pop().run();
        }
    }
}
