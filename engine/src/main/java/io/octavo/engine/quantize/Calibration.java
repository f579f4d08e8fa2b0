package io.octavo.engine.quantize;

import io.octavo.engine.artifact.EngineVersion;
import io.octavo.engine.artifact.FileDigest;
import io.octavo.engine.artifact.FolderJournal;
import io.octavo.engine.artifact.SourceHashes;
import io.octavo.engine.artifact.StagingFolder;
import io.octavo.engine.calibrate.ActivationRanges;
import io.octavo.engine.calibrate.CalibrationMemory;
import io.octavo.engine.calibrate.Calibrator;
import io.octavo.engine.calibrate.LayerwiseSolver;
import io.octavo.engine.calibrate.LayerwiseSolver.Keeping;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.modify.ChannelModifier;
import io.octavo.engine.modify.ChannelScaling;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.quantize.QuantizationPlan.Keep;
import io.octavo.engine.quantize.QuantizationPlan.KvScales;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.request.CalibrationData;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.safetensors.DiskFailure;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.kernels.backend.Backend;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/** What data shows of a model, and what modifiers make of a plan by it. */
final class Calibration implements AutoCloseable {

    /** Where in the whole of it solving begins, if something is observed before. */
    private static final double OBSERVING_SHARE = 0.2;

    private final QuantizationRequest request;
    private final Checkpoint source;
    private final Backend backend;
    private final SourceHashes sources;
    private final long chunkBytes;
    private final JobMonitor monitor;
    private final Deque<Runnable> closing = new ArrayDeque<>();
    private @Nullable StagingFolder scratch;
    private QuantizationPlan plan;
    private ActivationRanges activations = ActivationRanges.none();

    /** @param plan before anything is modified */
    Calibration(
            QuantizationRequest request,
            Checkpoint source,
            QuantizationPlan plan,
            Backend backend,
            SourceHashes sources,
            long chunkBytes,
            JobMonitor monitor) {
        this.request = request;
        this.source = source;
        this.plan = plan;
        this.backend = backend;
        this.sources = sources;
        this.chunkBytes = chunkBytes;
        this.monitor = monitor;
    }

    /** What modifiers left of it. Codes that were solved are there until this is closed. */
    QuantizationPlan plan() {
        return plan;
    }

    ActivationRanges activations() {
        return activations;
    }

    /**
     * @param progress receives the share that is done
     * @throws QuantizationException {@code DISK_FULL} or {@code IO_FAILED}, too, where squares of channels find no room
     */
    void run(DoubleConsumer progress) {
        ModuleSchemes schemes = plan.schemes();
        double observing = schemes.solver().isEmpty() ? 1 : schemes.needsRanges() ? OBSERVING_SHARE : 0;
        if (schemes.needsRanges()) {
            monitor.phase("calibrate");
            spilling(device -> observe(device, share -> progress.accept(observing * share)));
        }
        if (!schemes.channelModifiers().isEmpty()) {
            modify();
        }
        schemes.solver().ifPresent(gptq -> {
            monitor.phase("solve");
            spilling(device -> solve(gptq, device, share -> progress.accept(observing + (1 - observing) * share)));
        });
    }

    /** On a device whose large buffers lie in files, if its memory is the host's. */
    private void spilling(Consumer<Backend> work) {
        try {
            work.accept(backend.spilling(scratch(), CalibrationMemory.SPILLED_BYTES));
        } catch (UncheckedIOException e) {
            throw DiskFailure.writing(scratch().resolve("moments"), Objects.requireNonNull(e.getCause()));
        }
    }

    /** A folder that goes away with this. */
    private Path scratch() {
        StagingFolder made = scratch;
        if (made == null) {
            made = StagingFolder.beside(request.target());
            closing.push(made::close);
            scratch = made;
        }
        return made.folder();
    }

    private CalibrationData data() {
        return request.calibration().orElseThrow();
    }

    private void observe(Backend device, DoubleConsumer progress) {
        ModelSpec spec = Architectures.read(source.config().tree());
        activations = new Calibrator(device)
                .observe(
                        source,
                        plan.schemes().observing(data()),
                        plan.schemes().observed(spec),
                        plan.schemes().weighed(spec),
                        monitor,
                        progress);
    }

    private void modify() {
        ModelSpec spec = Architectures.read(source.config().tree());
        for (ChannelModifier modifier : plan.schemes().channelModifiers()) {
            apply(modifier, spec);
        }
    }

    private void apply(ChannelModifier modifier, ModelSpec spec) {
        var statistics =
                new ModelStatistics(plan, activations, new WeightChannels(backend, chunkBytes, monitor::checkpoint));
        Map<String, ChannelScaling> scalings = modifier.scalings(spec, statistics);
        plan = plan.with(scalings);
        for (String module : modifier.observed(spec)) {
            ChannelScaling scaling = scalings.get(module + CompressedTensors.WEIGHT_SUFFIX);
            if (scaling != null && scaling.columns().length > 0) {
                activations = activations.dividedBy(module, scaling.columns());
            }
        }
    }

    private void solve(Gptq gptq, Backend device, DoubleConsumer progress) {
        CalibrationData data = data();
        Keeping keeping = request.journal()
                .map(journal -> new Keeping(journal, key(data)))
                .orElseGet(() -> new Keeping(new FolderJournal(scratch()), "solved"));
        var solver = new LayerwiseSolver(device, gptq, monitor);
        closing.push(solver::close);
        plan = plan.withSolved(solver.solve(source, data, plan.solvable(), this::scaledTensors, keeping, progress));
    }

    /** Of all that decides what is solved. */
    private String key(CalibrationData data) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            var text = new StringBuilder(EngineVersion.build())
                    .append('\n')
                    .append(backend.name())
                    .append('\n')
                    .append(request.recipe());
            Path dataset = data.dataset();
            text.append('\n').append(FileDigest.of(dataset, Path.of("dataset")).sha256());
            for (HashedFile file : sources.await(monitor)) {
                text.append('\n').append(file.path()).append(' ').append(file.sha256());
            }
            return HexFormat.of()
                    .formatHex(digest.digest(text.toString().getBytes(StandardCharsets.UTF_8)))
                    .substring(0, 32);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** What modifiers multiplied in a layer. */
    private Map<String, Tensor> scaledTensors(String layer, Arena arena) {
        var tensors = new HashMap<String, Tensor>();
        for (QuantizationPlan.Action action : plan.actions()) {
            Numbers numbers = switch (action) {
                case Quantize weight -> weight.source();
                case Keep keep -> keep.source();
                case KvScales scales -> null;
            };
            if (numbers instanceof Numbers.Scaled && numbers.info().name().startsWith(layer + ".")) {
                TensorInfo info = numbers.info();
                tensors.put(
                        info.name(),
                        new Tensor(info.name(), info.dtype(), info.shape(), numbers.view(0, info.byteSize(), arena)));
            }
        }
        return tensors;
    }

    @Override
    public void close() {
        while (!closing.isEmpty()) {
            closing.pop().run();
        }
    }
}
