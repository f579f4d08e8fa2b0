package io.octavo.engine.transformer;

import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Activations of a forward pass, allocated once and shared by all layers. Everything is F32 unless it says so. */
final class Workspace implements AutoCloseable {

    private final Backend backend;
    private final List<DeviceBuffer> buffers = new ArrayList<>();
    private final DeviceBuffer residual;
    private final DeviceBuffer normed;
    private final DeviceBuffer queries;
    private final DeviceBuffer keys;
    private final DeviceBuffer values;
    private final DeviceBuffer attended;
    private final DeviceBuffer gate;
    private final DeviceBuffer up;
    private final DeviceBuffer codes;
    private final DeviceBuffer scales;
    private final DeviceBuffer halves;
    private final DeviceBuffer nonFinite;
    private final DeviceBuffer gathered;
    private final DeviceBuffer logits;
    private final DeviceBuffer losses;
    private final DeviceBuffer winners;
    private final DeviceBuffer seen;
    private final Map<FeedForwardSpec.Experts, ExpertWorkspace> experts = new HashMap<>();
    private final ModelSpec spec;
    private final RunLimits limits;
    private final long widest;
    private final Map<Float, Matrix> fixedScales = new HashMap<>();
    private @Nullable DeviceBuffer expanded;
    private ActivationObserver observer = ActivationObserver.none();

    Workspace(Backend backend, ModelSpec spec, RunLimits limits) {
        this.backend = backend;
        this.spec = spec;
        this.limits = limits;
        int tokens = limits.batchTokens();
        int queryColumns = spec.attention().queryColumns();
        long widestInput = Math.max(spec.hiddenSize(), queryColumns);
        long intermediate = 0;
        int mostRows = 1;
        for (LayerSpec layer : spec.layers()) {
            int rows = rowsPerToken(layer.feedForward());
            mostRows = Math.max(mostRows, rows);
            intermediate =
                    Math.max(intermediate, (long) rows * layer.feedForward().intermediateSize());
            widestInput = Math.max(widestInput, (long) rows * spec.hiddenSize());
            if (layer.feedForward() instanceof FeedForwardSpec.Experts mixture) {
                experts.computeIfAbsent(
                        mixture, known -> new ExpertWorkspace(backend, spec.hiddenSize(), known, tokens));
            }
        }
        this.widest = Math.max(widestInput, intermediate);
        this.residual = allocate(DType.F32, tokens, spec.hiddenSize());
        this.normed = allocate(DType.F32, tokens, spec.hiddenSize());
        this.queries = allocate(DType.F32, tokens, queryColumns);
        this.keys = allocate(DType.F32, tokens, spec.attention().keyValueColumns());
        this.values = allocate(DType.F32, tokens, spec.attention().keyValueColumns());
        this.attended = allocate(DType.F32, tokens, queryColumns);
        this.gate = allocate(DType.F32, tokens, intermediate);
        this.up = allocate(DType.F32, tokens, intermediate);
        this.codes = allocate(DType.F8_E4M3, tokens, widest);
        this.scales = allocate(DType.F32, tokens, mostRows);
        int halfRows = backend.productInput() == DType.BF16 ? Math.max(tokens, limits.logitRows()) : 0;
        this.halves = allocate(DType.BF16, halfRows, Math.max(widestInput, intermediate));
        this.nonFinite = allocate(DType.I32, 1, 1);
        this.gathered = allocate(DType.F32, limits.logitRows(), spec.hiddenSize());
        this.logits = allocate(DType.F32, limits.logitRows(), spec.vocabularySize());
        this.losses = allocate(DType.F32, 1, limits.logitRows());
        this.winners = allocate(DType.I32, 1, limits.logitRows());
        this.seen = allocate(DType.I32, Math.min(limits.batchSequences(), limits.logitRows()), seenWords());
    }

    /** Bytes of activations that a token of a batch costs, for choosing a batch size. */
    static long bytesPerToken(ModelSpec spec) {
        long columns = 2L * spec.hiddenSize()
                + 2L * spec.attention().queryColumns()
                + 2L * spec.attention().keyValueColumns();
        long feedForward = spec.layers().stream()
                .map(LayerSpec::feedForward)
                .mapToLong(block -> bytesPerToken(spec, block))
                .max()
                .orElse(0);
        return columns * Float.BYTES + feedForward;
    }

    private static long bytesPerToken(ModelSpec spec, FeedForwardSpec block) {
        long projections = 2L * rowsPerToken(block) * block.intermediateSize() * Float.BYTES;
        return switch (block) {
            case FeedForwardSpec.Dense dense -> projections;
            case FeedForwardSpec.Experts mixture ->
                projections + ExpertWorkspace.bytesPerToken(spec.hiddenSize(), mixture);
        };
    }

    private static int rowsPerToken(FeedForwardSpec block) {
        return switch (block) {
            case FeedForwardSpec.Dense dense -> 1;
            case FeedForwardSpec.Experts mixture -> mixture.perToken();
        };
    }

    private DeviceBuffer allocate(DType dtype, long rows, long columns) {
        DeviceBuffer buffer = backend.allocate("activations", Matrix.bytes(dtype, rows, columns));
        buffers.add(buffer);
        return buffer;
    }

    Matrix residual(int tokens) {
        return Matrix.of(residual, DType.F32, tokens, spec.hiddenSize());
    }

    Matrix normed(int tokens) {
        return Matrix.of(normed, DType.F32, tokens, spec.hiddenSize());
    }

    Matrix queries(int tokens) {
        return Matrix.of(queries, DType.F32, tokens, spec.attention().queryColumns());
    }

    Matrix keys(int tokens) {
        return Matrix.of(keys, DType.F32, tokens, spec.attention().keyValueColumns());
    }

    Matrix values(int tokens) {
        return Matrix.of(values, DType.F32, tokens, spec.attention().keyValueColumns());
    }

    Matrix attended(int tokens) {
        return Matrix.of(attended, DType.F32, tokens, spec.attention().queryColumns());
    }

    Matrix gate(int rows, int columns) {
        return Matrix.of(gate, DType.F32, rows, columns);
    }

    Matrix up(int rows, int columns) {
        return Matrix.of(up, DType.F32, rows, columns);
    }

    ExpertWorkspace experts(FeedForwardSpec.Experts mixture) {
        return Objects.requireNonNull(experts.get(mixture), "every mixture of the model has a workspace");
    }

    Matrix gathered(int rows) {
        return Matrix.of(gathered, DType.F32, rows, spec.hiddenSize());
    }

    Matrix logits(int rows) {
        return Matrix.of(logits, DType.F32, rows, spec.vocabularySize());
    }

    Matrix losses(int rows) {
        return Matrix.of(losses, DType.F32, 1, rows);
    }

    Matrix winners(int rows) {
        return Matrix.of(winners, DType.I32, 1, rows);
    }

    /** Of {@link io.octavo.kernels.operation.Sampling}: the tokens that texts hold. */
    Matrix seen(int texts) {
        return Matrix.of(seen, DType.I32, texts, seenWords());
    }

    private int seenWords() {
        return Math.ceilDiv(spec.vocabularySize(), Integer.SIZE);
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
        return Matrix.of(halves, DType.BF16, activations.rows(), activations.columns());
    }

    private ScaledMatrix codes(Matrix activations, InputRounding.Codes rounding) {
        return new ScaledMatrix(
                Matrix.of(codes, rounding.type(), activations.rows(), activations.columns()),
                Matrix.of(scales, DType.F32, activations.rows(), 1));
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
                backend.convert().convert(activations, target, stream);
                yield ScaledMatrix.plain(target);
            }
            case InputRounding.Codes toCodes -> {
                ScaledMatrix target = codes(activations, toCodes);
                Matrix tokenScales = Objects.requireNonNull(target.scales());
                Matrix flag = Matrix.of(nonFinite, DType.I32, 1, 1);
                backend.quantizeRows()
                        .quantize(activations, target.codes(), tokenScales, toCodes.divisor(), flag, stream);
                yield target;
            }
            case InputRounding.Computed computed -> {
                Matrix target = expanded(activations);
                long columns = computed.groupColumns() == 0 ? activations.columns() : computed.groupColumns();
                backend.fakeQuantize()
                        .apply(activations, computed.format(), columns, computed.scaling(), target, stream);
                yield ScaledMatrix.plain(target);
            }
            case InputRounding.Fixed fixed -> {
                Matrix target = expanded(activations);
                Matrix scale = fixedScales.computeIfAbsent(fixed.scale(), value -> place(value, stream));
                backend.fakeQuantize()
                        .applyFixed(activations, fixed.format(), scale, fixed.zeroPoint(), target, stream);
                yield ScaledMatrix.plain(target);
            }
        };
    }

    /** Rounded numbers in F32; only models that need them pay for the buffer. */
    private Matrix expanded(Matrix activations) {
        DeviceBuffer buffer = expanded;
        if (buffer == null) {
            buffer = allocate(DType.F32, limits.batchTokens(), widest);
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
        experts.values().forEach(ExpertWorkspace::close);
        buffers.forEach(DeviceBuffer::close);
    }
}
