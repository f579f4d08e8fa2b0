package io.octavo.engine.convert;

import io.octavo.engine.artifact.BackgroundTasks;
import io.octavo.engine.artifact.StagingFolder;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ShardPlan;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.FileFailures;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.LayoutWriters;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.ScalingFactors;
import io.octavo.engine.layout.codec.LayoutWriter;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.StoredNumbers;
import io.octavo.engine.loader.ExpertLoaders;
import io.octavo.engine.module.Experts;
import io.octavo.engine.request.ConversionRequest;
import io.octavo.engine.request.ConversionResult;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import java.util.Optional;
import java.util.function.LongUnaryOperator;

/**
 * Writes a quantized checkpoint in another layout, one module at a time: memory does not depend on the model.
 *
 * <p>The same source and request give the same bytes.
 */
public final class Converter {

    private final int threads;
    private final LongUnaryOperator shardBytes;

    /** @param threads for hashing and verification; at least 1 */
    public Converter(int threads) {
        this(threads, ShardPlan::shardBytes);
    }

    /** @param shardBytes tensor bytes an output file */
    Converter(int threads, long shardBytes) {
        this(threads, tensorBytes -> shardBytes);
    }

    private Converter(int threads, LongUnaryOperator shardBytes) {
        this.threads = threads;
        this.shardBytes = shardBytes;
    }

    /**
     * Writes the checkpoint, verifies it by reading every number back, then makes it visible by one rename.
     *
     * @throws QuantizationException {@code LAYOUT_UNKNOWN}, {@code LAYOUT_UNSUITABLE} with the reason where the layout
     *     cannot hold the source's numbers exactly, and whatever reading and writing throws
     * @throws JobCancelledException if the monitor asked to stop
     */
    public ConversionResult convert(ConversionRequest request, JobMonitor monitor) {
        return FileFailures.translate(() -> run(request, monitor));
    }

    private ConversionResult run(ConversionRequest request, JobMonitor monitor) {
        Layout layout = Layout.named(request.layout());
        monitor.phase("plan");
        try (Checkpoint source = Checkpoint.open(request.source())) {
            Layout sourceLayout =
                    request.scalingFactors().isEmpty() ? requireConvertible(source, layout) : requireLayout(source);
            QuantizedModules stored = QuantizedLayouts.read(source);
            QuantizedModules modules = request.scalingFactors()
                    .map(file -> ScalingFactors.read(file).into(stored, layers(source)))
                    .orElse(stored);
            requireExpertsLoad(modules, layout);
            LayoutWriter writer = LayoutWriters.of(layout, StoredNumbers.of(source, modules));
            ConversionPlan plan = ConversionPlan.of(source, modules, writer);
            monitor.log("%s to %s: %d modules, %d bytes become %d"
                    .formatted(
                            sourceLayout.id(),
                            layout.id(),
                            modules.byName().size(),
                            plan.sourceBytes(),
                            plan.outputBytes()));
            try (StagingFolder staging = StagingFolder.beside(request.target());
                    var background = new BackgroundTasks("octavo-hash", threads)) {
                return new ConversionRun(source, request.known(), modules, writer, plan, staging, background, monitor)
                        .run(sourceLayout, layout, plan.shards(shardBytes));
            }
        }
    }

    /** As for experts that are quantized here. */
    private static void requireExpertsLoad(QuantizedModules modules, Layout layout) {
        for (QuantizedLinear linear : modules.byName().values()) {
            if (Experts.of(linear.module()).isPresent()) {
                ExpertLoaders.refusedByVllm(layout, linear.weight().quantization(), linear.inputs())
                        .ifPresent(refusal -> {
                            throw unsuitable("module " + linear.module() + " is an expert, which vLLM cannot run so in"
                                    + " layout " + layout.id() + ": it " + refusal.why());
                        });
            }
        }
    }

    private static int layers(Checkpoint source) {
        return source.config().tree().path("num_hidden_layers").asInt(0);
    }

    /**
     * Told from headers; whether every number fits shows in the tensors alone.
     *
     * @return the source's layout
     * @throws QuantizationException {@code LAYOUT_UNSUITABLE} if there is nothing to convert, or the layout cannot say what
     *     the source's config declares
     */
    public static Layout requireConvertible(Checkpoint source, Layout layout) {
        Layout declared = requireLayout(source);
        requireConvertible(source, declared, layout);
        return declared;
    }

    /**
     * The same of a checkpoint that is converted before.
     *
     * @param from the layout that it has by then
     * @throws QuantizationException {@code LAYOUT_UNSUITABLE}
     */
    public static void requireConvertible(Checkpoint source, Layout from, Layout layout) {
        requireLayout(source);
        requireOther(from, layout);
        Declaration config = Declaration.strict(QuantizedLayouts.config(source).orElseThrow());
        if (config.groups().isEmpty()) {
            throw unsuitable("the source quantizes no weights, so there is nothing to convert");
        }
        Declaration.Group first = config.groups().getFirst();
        for (Declaration.Group group : config.groups()) {
            boolean alike =
                    group.weights().equals(first.weights()) && group.inputs().equals(first.inputs());
            if (!alike) {
                throw unsuitable("modules are quantized differently, which compressed-tensors alone can say: weights "
                        + first.weights() + " and " + group.weights());
            }
        }
        requireSuitable(layout, first.weights(), first.inputs(), config.kvCache());
    }

    /**
     * The same of a checkpoint that a scheme is still to be stored in.
     *
     * @throws QuantizationException {@code LAYOUT_UNSUITABLE}
     */
    public static void requireConvertible(Layout source, Scheme scheme, Optional<Quantization> kvCache, Layout layout) {
        requireOther(source, layout);
        requireSuitable(layout, scheme.weights(), scheme.inputs(), kvCache);
    }

    private static void requireOther(Layout source, Layout layout) {
        if (source == layout) {
            throw unsuitable("the source has layout " + layout.id() + " already");
        }
    }

    /** Zero points that a layout cannot say are let pass: all may be zero, which shows in tensors alone. */
    private static void requireSuitable(
            Layout layout, Quantization weights, Optional<Quantization> inputs, Optional<Quantization> kvCache) {
        try {
            LayoutWriters.requireSuitable(layout, weights, inputs, kvCache);
        } catch (QuantizationException e) {
            if (weights.symmetric()) {
                throw e;
            }
            LayoutWriters.requireSuitable(layout, weights.withoutZeroPoints(), inputs, kvCache);
        }
    }

    private static QuantizationException unsuitable(String message) {
        return new QuantizationException(ErrorCode.LAYOUT_UNSUITABLE, message);
    }

    private static Layout requireLayout(Checkpoint source) {
        return QuantizedLayouts.layout(source)
                .orElseThrow(() -> unsuitable("the source is not quantized; quantize it instead of converting it"));
    }
}
