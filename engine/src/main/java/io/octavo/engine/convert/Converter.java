package io.octavo.engine.convert;

import io.octavo.engine.artifact.BackgroundTasks;
import io.octavo.engine.artifact.StagingFolder;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ShardPlan;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.LayoutWriters;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.ScalingFactors;
import io.octavo.engine.layout.codec.LayoutWriter;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.StoredNumbers;
import io.octavo.engine.request.ConversionRequest;
import io.octavo.engine.request.ConversionResult;
import io.octavo.engine.request.JobMonitor;
import java.nio.channels.ClosedByInterruptException;
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
        Layout layout = Layout.named(request.layout());
        monitor.phase("plan");
        try (Checkpoint source = Checkpoint.open(request.source())) {
            Layout sourceLayout =
                    request.scalingFactors().isEmpty() ? requireConvertible(source, layout) : requireLayout(source);
            QuantizedModules stored = QuantizedLayouts.read(source);
            QuantizedModules modules = request.scalingFactors()
                    .map(file -> ScalingFactors.read(file).into(stored, layers(source)))
                    .orElse(stored);
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

    private static int layers(Checkpoint source) {
        return source.config().tree().path("num_hidden_layers").asInt(0);
    }

    /**
     * Told from headers; whether every number fits shows in the tensors alone.
     *
     * @return the source's layout
     * @throws QuantizationException {@code LAYOUT_UNSUITABLE} if there is nothing to convert
     */
    public static Layout requireConvertible(Checkpoint source, Layout layout) {
        Layout declared = requireLayout(source);
        if (declared == layout) {
            throw new QuantizationException(
                    ErrorCode.LAYOUT_UNSUITABLE, "the source has layout " + layout.id() + " already");
        }
        return declared;
    }

    private static Layout requireLayout(Checkpoint source) {
        return QuantizedLayouts.layout(source)
                .orElseThrow(() -> new QuantizationException(
                        ErrorCode.LAYOUT_UNSUITABLE,
                        "the source is not quantized; quantize it instead of converting it"));
    }
}
