package io.octavo.engine.quantize;

import io.octavo.engine.artifact.ArtifactFiles;
import io.octavo.engine.artifact.BackgroundTasks;
import io.octavo.engine.artifact.SourceHashes;
import io.octavo.engine.artifact.StagingFolder;
import io.octavo.engine.calibrate.ActivationRanges;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.checkpoint.FiniteNumbers;
import io.octavo.engine.checkpoint.ShardPlan;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.label.Label;
import io.octavo.engine.quantize.QuantizationPlan.Action;
import io.octavo.engine.quantize.QuantizationPlan.Keep;
import io.octavo.engine.quantize.QuantizationPlan.KvScales;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import io.octavo.engine.request.VerificationReport;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.backend.Backend;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** One call of {@link Quantizer#quantize}: write everything, verify it, publish it. */
final class QuantizationRun {

    /** Source bytes copied at once. */
    private static final long COPY_BYTES = 1 << 25;

    /** Where on the progress bar quantizing ends at least; verifying takes the rest. */
    private static final double QUANTIZING_SHARE = 0.6;

    /** Where on the progress bar calibration ends, if there is one. */
    private static final double CALIBRATING_SHARE = 0.4;

    /** The same where codes are solved. */
    private static final double SOLVING_SHARE = 0.8;

    private final QuantizationRequest request;
    private final Checkpoint source;
    private QuantizationPlan plan;
    private final ShardPlan shards;
    private final StagingFolder staging;
    private final JobMonitor monitor;
    private final int threads;
    private final ArtifactFiles files;
    private final SourceHashes sources;

    QuantizationRun(
            QuantizationRequest request,
            Checkpoint source,
            SourceHashes sources,
            QuantizationPlan plan,
            ShardPlan shards,
            StagingFolder staging,
            BackgroundTasks background,
            JobMonitor monitor,
            int threads) {
        this.threads = threads;
        this.request = request;
        this.source = source;
        this.sources = sources;
        this.plan = plan;
        this.shards = shards;
        this.staging = staging;
        this.monitor = monitor;
        this.files = new ArtifactFiles(source, source.sideFiles(), staging, background, monitor);
    }

    /** @param device asked for once what does not need it has begun */
    QuantizationResult run(Supplier<Backend> device, long chunkBytes) {
        files.requireSpace(plan.outputBytes());
        Backend backend = device.get();
        try (var calibration = new Calibration(request, source, plan, backend, sources, chunkBytes, monitor)) {
            calibration.run(share -> monitor.progress(calibrated() * share));
            plan = calibration.plan();
            monitor.phase("quantize");
            writeWeights(backend, chunkBytes, calibration.activations());
            return finish(backend);
        }
    }

    /** Writes what is beside the weights, verifies everything and makes it visible. */
    private QuantizationResult finish(Backend backend) {
        ConfigJson config = source.config()
                .withQuantizationConfig(plan.quantizationConfig(source.config().tree()));
        files.write(ConfigJson.FILE_NAME, config.bytes());
        shards.indexJson().ifPresent(json -> files.write(ShardPlan.INDEX_FILE_NAME, json));
        files.copySideFiles();

        monitor.phase("verify");
        sources.begin();
        VerificationReport report = verify(backend);
        Label label = Label.of(config);
        String provenance = Provenance.json(request, plan, label, backend.name(), sources.await(monitor), report);
        files.write(Provenance.FILE_NAME, provenance);
        List<HashedFile> written = files.await();

        monitor.phase("publish");
        monitor.checkpoint();
        staging.publish();
        monitor.progress(1);
        return new QuantizationResult(
                label.text(),
                plan.weightBits(),
                plan.inputBytes(),
                plan.outputBytes(),
                plan.quantized().size(),
                written,
                report);
    }

    /** Where calibration ends on the progress bar, and quantizing begins. */
    private double calibrated() {
        ModuleSchemes schemes = plan.schemes();
        return schemes.solver().isPresent() ? SOLVING_SHARE : schemes.needsCalibration() ? CALIBRATING_SHARE : 0;
    }

    /** Where quantizing ends, and verifying begins. */
    private double quantized() {
        return Math.max(QUANTIZING_SHARE, (1 + calibrated()) / 2);
    }

    /** Computes in some threads while others write and hash what is complete. */
    private void writeWeights(Backend backend, long chunkBytes, ActivationRanges activations) {
        // Closed in reverse order: threads write into files.
        var calibrated = new CalibratedScales(activations);
        try (var open = new OpenFiles();
                var compute = new ComputeThreads(backend, plan, calibrated, chunkBytes, threads)) {
            var progress = new Progress(calibrated(), quantized() - calibrated(), compute.count() == 1);
            // A file is written by one thread at a time, and hashed by one, to its end only once all scales in it are
            // known.
            var tasks = new InTurn<ShardPlan.Shard, ComputeThreads.Task>(largestFirst(), compute.count(), shard -> {
                SafetensorsWriter writer =
                        open.add(SafetensorsWriter.create(staging.folder().resolve(shard.fileName()), shard.tensors()));
                files.follow(writer);
                return tasks(writer, calibrated, progress).iterator();
            });
            compute.run(tasks, progress::tell);
        }
    }

    /** Hashing the largest file takes longest. */
    private List<ShardPlan.Shard> largestFirst() {
        return shards.shards().stream()
                .sorted(Comparator.comparingLong(ShardPlan.Shard::byteSize).reversed())
                .toList();
    }

    /**
     * What a file needs, as far as possible in its order, so that hashing can follow. What a weight becomes lies in several
     * places, and is written when the first of them is reached.
     */
    private List<ComputeThreads.Task> tasks(SafetensorsWriter writer, CalibratedScales calibrated, Progress progress) {
        Map<String, Action> actions = plan.actionsByOutput();
        var ordered = new LinkedHashSet<Action>();
        writer.header().tensors().keySet().forEach(name -> ordered.add(Objects.requireNonNull(actions.get(name))));
        return sealing(
                ordered.stream()
                        .map(action -> task(action, writer, calibrated, progress))
                        .toList(),
                writer);
    }

    private ComputeThreads.Task task(
            Action action, SafetensorsWriter writer, CalibratedScales calibrated, Progress progress) {
        return switch (action) {
            case Keep keep -> seat -> copy(keep, writer, seat.queue(), progress);
            case KvScales kvScales -> {
                Quantization cache = plan.schemes().kvCache().orElseThrow();
                yield seat -> seat.queue().submit(() -> calibrated.writeKv(kvScales, cache, writer));
            }
            case Quantize weight -> seat -> seat.quantizer().quantize(weight, writer, seat.queue(), progress::add);
        };
    }

    /** The last task to be written seals the file. */
    private static List<ComputeThreads.Task> sealing(List<ComputeThreads.Task> tasks, SafetensorsWriter writer) {
        var unwritten = new AtomicInteger(tasks.size());
        return tasks.stream()
                .<ComputeThreads.Task>map(task -> seat -> {
                    task.run(seat);
                    seat.queue().submit(() -> {
                        if (unwritten.decrementAndGet() == 0) {
                            writer.seal();
                        }
                    });
                })
                .toList();
    }

    private void copy(Keep keep, SafetensorsWriter writer, WriteQueue queue, Progress progress) {
        TensorInfo tensor = keep.source().info();
        for (long from = 0; from < tensor.byteSize(); from += COPY_BYTES) {
            long begin = from;
            long end = Math.min(from + COPY_BYTES, tensor.byteSize());
            queue.submit(() -> {
                try (Arena window = Arena.ofConfined()) {
                    MemorySegment bytes = keep.source().view(begin, end, window);
                    FiniteNumbers.require(tensor, begin, bytes);
                    writer.write(tensor.name(), begin, bytes.asByteBuffer());
                }
            });
            progress.add(end - begin);
        }
    }

    private VerificationReport verify(Backend backend) {
        var progress = new Progress(quantized(), 1 - quantized(), true);
        try (Checkpoint artifact = Checkpoint.open(staging.folder());
                var verification = new Verification(plan, artifact, backend, threads)) {
            verification.begin();
            logShards();
            VerificationReport report = verification.report(monitor, progress::add);
            if (!report.passed()) {
                throw new QuantizationException(
                        ErrorCode.VERIFICATION_FAILED,
                        report.failures().size() + " checks of the written files failed, first: "
                                + report.failures().getFirst());
            }
            return report;
        }
    }

    private void logShards() {
        for (HashedFile file : files.awaitShards()) {
            monitor.log("%s: %d bytes, sha256 %s".formatted(file.path(), file.size(), file.sha256()));
        }
    }

    /** Tells the monitor about source bytes, and asks it whether to stop. */
    private final class Progress {

        private final double start;
        private final double share;
        private final boolean tellsAtOnce;
        private final AtomicLong bytes = new AtomicLong();

        /** @param tellsAtOnce whether bytes are counted by the thread that may call the monitor */
        Progress(double start, double share, boolean tellsAtOnce) {
            this.start = start;
            this.share = share;
            this.tellsAtOnce = tellsAtOnce;
        }

        void add(long more) {
            bytes.addAndGet(more);
            if (tellsAtOnce) {
                tell();
            }
        }

        void tell() {
            monitor.checkpoint();
            monitor.progress(start + share * bytes.get() / Math.max(plan.inputBytes(), 1));
        }
    }

    /** Files that a failure leaves unsealed. */
    private static final class OpenFiles implements AutoCloseable {

        private final List<SafetensorsWriter> writers = new ArrayList<>();

        SafetensorsWriter add(SafetensorsWriter writer) {
            writers.add(writer);
            return writer;
        }

        @Override
        public void close() {
            writers.forEach(SafetensorsWriter::close);
        }
    }
}
