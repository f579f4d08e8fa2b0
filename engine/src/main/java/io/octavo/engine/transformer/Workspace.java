package io.octavo.engine.transformer;

import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.transformer.weight.InputRounding;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** Activations of a forward pass, allocated once and shared by all layers. */
final class Workspace implements AutoCloseable {

    private static final String CODES = "codes";
    private static final String SCALES = "scales";
    private static final String HALVES = "halves";
    private static final String NON_FINITE = "non-finite";

    private final Backend backend;
    private final int hidden;
    private final int tokens;
    private final long widest;
    private final List<DeviceBuffer> buffers = new ArrayList<>();
    private final Map<String, DeviceBuffer> scratch = new HashMap<>();
    private final Map<Float, Matrix> fixedScales = new HashMap<>();
    private @Nullable DeviceBuffer expanded;
    private ActivationObserver observer = ActivationObserver.none();

    /**
     * @param tokens of a batch, at most
     * @param rows of the width of a hidden state that are rounded at once, if more
     */
    Workspace(Backend backend, ModelSpec spec, int tokens, int rows) {
        this.backend = backend;
        this.hidden = spec.hiddenSize();
        this.tokens = tokens;
        this.widest = widest(Blocks.scratch(spec));
        sizes(spec, tokens, rows, backend.productInput())
                .forEach((name, bytes) -> scratch.put(name, allocate(DType.U8, 1, bytes)));
    }

    /** Bytes of all that a workspace allocates for a model whose inputs are not rounded to F32. */
    static long bytes(ModelSpec spec, int tokens, int rows, DType productInput) {
        return sum(sizes(spec, tokens, rows, productInput));
    }

    private static Map<String, Long> sizes(ModelSpec spec, int tokens, int rows, DType productInput) {
        List<Scratch> needs = Blocks.scratch(spec);
        long widest = widest(needs);
        Map<String, Long> sizes = largest(needs, need -> need.bytes(tokens));
        sizes.put(CODES, Matrix.bytes(DType.F8_E4M3, tokens, widest));
        sizes.put(SCALES, Matrix.bytes(DType.F32, tokens, mostRows(needs)));
        sizes.put(NON_FINITE, Matrix.bytes(DType.I32, 1, 1));
        if (productInput == DType.BF16) {
            sizes.put(HALVES, Matrix.bytes(DType.BF16, Math.max(tokens, rows), widest));
        }
        return sizes;
    }

    /** By name; the largest of those that share one. */
    private static Map<String, Long> largest(List<Scratch> needs, ToLongFunction<Scratch> bytes) {
        Map<String, Long> largest = new LinkedHashMap<>();
        needs.forEach(need -> largest.merge(need.name(), bytes.applyAsLong(need), Math::max));
        return largest;
    }

    /** Numbers of a token that may be rounded, at most. */
    private static long widest(List<Scratch> needs) {
        return needs.stream()
                .filter(need -> need.dtype() == DType.F32)
                .mapToLong(need -> need.rowsPerToken() * need.columns())
                .max()
                .orElse(0);
    }

    private static int mostRows(List<Scratch> needs) {
        return needs.stream().mapToInt(Scratch::rowsPerToken).max().orElse(0);
    }

    /** Bytes of activations that a token of a batch costs, for choosing a batch size. */
    static long bytesPerToken(ModelSpec spec) {
        return sum(largest(Blocks.scratch(spec), Scratch::bytesPerToken));
    }

    private static long sum(Map<String, Long> sizes) {
        return sizes.values().stream().mapToLong(Long::longValue).sum();
    }

    private DeviceBuffer allocate(DType dtype, long rows, long columns) {
        DeviceBuffer buffer = backend.allocate("activations", Matrix.bytes(dtype, rows, columns));
        buffers.add(buffer);
        return buffer;
    }

    Backend backend() {
        return backend;
    }

    /** @param batchTokens that there is room for */
    Matrix matrix(Scratch need, int batchTokens) {
        return need.in(buffer(need.name()), batchTokens);
    }

    private DeviceBuffer buffer(String name) {
        return Objects.requireNonNull(scratch.get(name), name);
    }

    Matrix residual(int batchTokens) {
        return matrix(Scratch.residual(hidden), batchTokens);
    }

    Matrix normed(int batchTokens) {
        return matrix(Scratch.normed(hidden), batchTokens);
    }

    ActivationObserver observer() {
        return observer;
    }

    void observe(ActivationObserver next) {
        observer = next;
    }

    /**
     * Where a step puts what it rounds as it computes it; valid until the next call of this or of {@link #input}. Empty if
     * that cannot be, or an observer wants to see the numbers before.
     *
     * @param plain {@code [tokens, columns]} F32, for numbers that are kept as they come
     */
    Optional<ScaledMatrix> rounded(InputRounding rounding, Matrix plain) {
        if (observer.looks()) {
            return Optional.empty();
        }
        return switch (rounding) {
            case InputRounding.None none -> Optional.of(ScaledMatrix.plain(plain));
            case InputRounding.Half toHalf -> Optional.of(ScaledMatrix.plain(halves(plain)));
            case InputRounding.Codes toCodes -> Optional.of(codes(plain, toCodes));
            case InputRounding.Computed computed -> Optional.empty();
            case InputRounding.Fixed fixed -> Optional.empty();
        };
    }

    private Matrix halves(Matrix activations) {
        return Matrix.of(buffer(HALVES), DType.BF16, activations.rows(), activations.columns());
    }

    private ScaledMatrix codes(Matrix activations, InputRounding.Codes rounding) {
        return new ScaledMatrix(
                Matrix.of(buffer(CODES), rounding.type(), activations.rows(), activations.columns()),
                Matrix.of(buffer(SCALES), DType.F32, activations.rows(), 1));
    }

    /**
     * Activations as Linears of one rounding take them. The result is valid until the next call; non-finite activations
     * surface later as non-finite logits.
     */
    ScaledMatrix input(Matrix activations, InputRounding rounding, Stream stream) {
        return switch (rounding) {
            case InputRounding.None none -> ScaledMatrix.plain(activations);
            case InputRounding.Half toHalf -> {
                Matrix target = halves(activations);
                backend.operations().convert().convert(activations, target, stream);
                yield ScaledMatrix.plain(target);
            }
            case InputRounding.Codes toCodes -> {
                ScaledMatrix target = codes(activations, toCodes);
                Matrix tokenScales = Objects.requireNonNull(target.scales());
                Matrix flag = Matrix.of(buffer(NON_FINITE), DType.I32, 1, 1);
                backend.operations()
                        .quantizeRows()
                        .quantize(activations, target.codes(), tokenScales, toCodes.divisor(), flag, stream);
                yield target;
            }
            case InputRounding.Computed computed -> {
                Matrix target = expanded(activations);
                long columns = computed.groupColumns() == 0 ? activations.columns() : computed.groupColumns();
                backend.operations()
                        .fakeQuantize()
                        .apply(activations, computed.format(), columns, computed.scaling(), target, stream);
                yield ScaledMatrix.plain(target);
            }
            case InputRounding.Fixed fixed -> {
                Matrix target = expanded(activations);
                Matrix scale = fixedScales.computeIfAbsent(fixed.scale(), value -> place(value, stream));
                backend.operations()
                        .fakeQuantize()
                        .applyFixed(activations, fixed.format(), scale, fixed.zeroPoint(), target, stream);
                yield ScaledMatrix.plain(target);
            }
        };
    }

    /** Rounded numbers in F32; only models that need them pay for the buffer. */
    private Matrix expanded(Matrix activations) {
        DeviceBuffer buffer = expanded;
        if (buffer == null) {
            buffer = allocate(DType.F32, tokens, widest);
            expanded = buffer;
        }
        return Matrix.of(buffer, DType.F32, activations.rows(), activations.columns());
    }

    private Matrix place(float value, Stream stream) {
        DeviceBuffer buffer = allocate(DType.F32, 1, 1);
        buffer.copyFrom(MemorySegment.ofArray(new float[] {value}), 0, stream);
        stream.synchronize();
        return Matrix.of(buffer, DType.F32, 1, 1);
    }

    @Override
    public void close() {
        buffers.forEach(DeviceBuffer::close);
    }
}
