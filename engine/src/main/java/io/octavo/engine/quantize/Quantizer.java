package io.octavo.engine.quantize;

import io.octavo.engine.artifact.BackgroundTasks;
import io.octavo.engine.artifact.SourceHashes;
import io.octavo.engine.artifact.StagingFolder;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ShardPlan;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.FileFailures;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.modify.ChannelModifier;
import io.octavo.engine.request.Budget;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.scheme.Scheme;
import io.octavo.engine.tokenizer.Tokenizer;
import io.octavo.kernels.backend.Backend;
import java.util.List;
import java.util.function.LongUnaryOperator;
import java.util.function.Supplier;

/**
 * Quantizes checkpoint folders, one bounded piece of a tensor at a time: memory does not depend on the model.
 *
 * <p>The same source and request give the same bytes, whatever the number of threads.
 */
public final class Quantizer {

    /** Source bytes at once: large enough that per-call costs vanish, small enough for three in a small container. */
    public static final long CHUNK_BYTES = 8 << 20;

    /** Threads from which on sources are hashed from the beginning. */
    private static final int ENOUGH_THREADS = 8;

    private final Supplier<Backend> backend;
    private final int threads;
    private final LongUnaryOperator shardBytes;
    private final long chunkBytes;

    /**
     * @param backend borrowed
     * @param threads to use; at least 1
     */
    public Quantizer(Backend backend, int threads) {
        this(() -> backend, threads);
    }

    /**
     * @param backend borrowed, and asked for when it is needed: a device that still opens delays nothing else
     * @param threads to use; at least 1
     */
    public Quantizer(Supplier<Backend> backend, int threads) {
        this(backend, threads, ShardPlan::shardBytes, CHUNK_BYTES);
    }

    /**
     * @param shardBytes tensor bytes an output file
     * @param chunkBytes source bytes quantized at once
     */
    Quantizer(Backend backend, int threads, long shardBytes, long chunkBytes) {
        this(() -> backend, threads, tensorBytes -> shardBytes, chunkBytes);
    }

    private Quantizer(Supplier<Backend> backend, int threads, LongUnaryOperator shardBytes, long chunkBytes) {
        this.backend = backend;
        this.threads = threads;
        this.shardBytes = shardBytes;
        this.chunkBytes = chunkBytes;
    }

    /**
     * What {@link #quantize} would do; headers and config suffice.
     *
     * @throws QuantizationException if the recipe cannot work on the source
     */
    public static QuantizationPlan plan(Checkpoint source, Recipe recipe) {
        ModuleSchemes schemes = schemes(recipe);
        QuantizationPlan plan = QuantizationPlan.of(source, schemes, recipe.ignore());
        if (!schemes.channelModifiers().isEmpty()) {
            requireChannels(source, schemes.channelModifiers());
        }
        if (needsData(schemes, recipe)) {
            requireRunnable(source);
        }
        return plan;
    }

    /** @throws QuantizationException if the recipe cannot work, whatever the source */
    public static ModuleSchemes schemes(Recipe recipe) {
        ModuleSchemes schemes = ModuleSchemes.of(recipe);
        schemes.requireSuitable();
        recipe.budget().ifPresent(budget -> requireSound(recipe, budget));
        if (needsData(schemes, recipe) && recipe.calibration().isEmpty()) {
            throw new QuantizationException(
                    ErrorCode.CALIBRATION_MISSING,
                    (recipe.budget().isPresent() ? "a budget" : schemes.name())
                            + " needs what only data can tell; name a calibration dataset");
        }
        return schemes;
    }

    private static boolean needsData(ModuleSchemes schemes, Recipe recipe) {
        return schemes.needsCalibration() || recipe.budget().isPresent();
    }

    private static void requireSound(Recipe recipe, Budget budget) {
        budget.schemes(recipe.scheme()).forEach(Scheme::named);
        if (!recipe.overrides().isEmpty()) {
            throw new QuantizationException(
                    ErrorCode.SCHEME_UNSUITABLE,
                    "a budget chooses the schemes of modules; overrides cannot stand beside it");
        }
    }

    /**
     * Memory of the backend that {@link #quantize} takes once calibration is over.
     *
     * @param threads that it is given
     */
    public static long deviceBytes(QuantizationPlan plan, int threads) {
        return Math.max(
                ComputeThreads.count(threads) * ModuleQuantizer.bytes(plan, CHUNK_BYTES),
                Verification.comparisons(threads) * WeightComparison.bytes(plan));
    }

    /** Whether modifiers find what they look at. */
    private static void requireChannels(Checkpoint source, List<ChannelModifier> modifiers) {
        ModelSpec spec = Architectures.read(source.config().tree());
        for (ChannelModifier modifier : modifiers) {
            modifier.observed(spec).stream()
                    .filter(module -> !source.names().contains(module + CompressedTensors.WEIGHT_SUFFIX))
                    .findFirst()
                    .ifPresent(missing -> {
                        throw new QuantizationException(
                                ErrorCode.MODIFIER_UNSUITABLE, modifier.name() + " finds no weight of " + missing);
                    });
        }
    }

    /** Whether the source can be run on data. */
    private static void requireRunnable(Checkpoint source) {
        Architectures.read(source.config().tree());
        if (!source.hasFile(Tokenizer.FILE_NAME)) {
            throw new QuantizationException(
                    ErrorCode.TOKENIZER_MISSING,
                    "the checkpoint has no " + Tokenizer.FILE_NAME + ", without which it cannot be calibrated");
        }
    }

    /**
     * Writes the quantized checkpoint as compressed-tensors, verifies it by reading it back, then makes it visible by one
     * rename. Nothing appears at the target unless all of that succeeds. If the recipe asks for another layout, what is
     * written can be converted into that one.
     *
     * @throws QuantizationException for what a user or operator can see
     * @throws io.octavo.engine.failure.JobCancelledException if the monitor asked to stop
     */
    public QuantizationResult quantize(QuantizationRequest request, JobMonitor monitor) {
        return FileFailures.translate(() -> run(request, monitor));
    }

    private QuantizationResult run(QuantizationRequest request, JobMonitor monitor) {
        monitor.phase("plan");
        try (Checkpoint source = Checkpoint.open(request.source());
                var background = new BackgroundTasks("octavo-hash", threads)) {
            var sources = new SourceHashes(source, source.sideFiles(), request.known(), background);
            // Where threads are plenty, those that hash the source take none from the rest.
            if (threads >= ENOUGH_THREADS) {
                sources.begin();
            }
            QuantizationPlan plan = plan(source, request.recipe());
            monitor.log("%s: %d of %d tensors are quantized, %d bytes become %d"
                    .formatted(
                            plan.schemes().name(),
                            plan.quantized().size(),
                            plan.actions().size(),
                            plan.inputBytes(),
                            plan.outputBytes()));
            source.notes().forEach(note -> monitor.log("warning: " + note));
            plan.kept().stream()
                    .filter(action -> action.reason().equals(QuantizationPlan.FUSED_EXPERTS))
                    .forEach(action -> monitor.log("warning: %s is left alone: %s"
                            .formatted(action.source().info().name(), action.reason())));
            HeldScales.require(plan);
            try (StagingFolder staging = StagingFolder.beside(request.target())) {
                ShardPlan shards = plan.shards(shardBytes);
                return new QuantizationRun(
                                request, source, sources, plan, shards, staging, background, monitor, threads)
                        .run(backend, chunkBytes);
            }
        }
    }
}
