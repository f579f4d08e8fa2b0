package io.octavo.api.plan;

import io.octavo.api.plan.PlanView.Evaluation;
import io.octavo.api.plan.PlanView.NotChecked;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFiles;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.ErrorKind;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.plan.PlanReport;
import io.octavo.engine.plan.PreFlight;
import io.octavo.engine.request.Recipe;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.plan.JobPlan;
import io.octavo.jobs.plan.JobPlanner;
import io.octavo.jobs.problem.ProblemCategory;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.source.SourceCatalog;
import io.octavo.jobs.source.SourceFile;
import io.octavo.jobs.source.SourceListing;
import io.octavo.jobs.spec.BenchmarkSpec;
import io.octavo.jobs.spec.ConvertSpec;
import io.octavo.jobs.spec.DatasetReference;
import io.octavo.jobs.spec.EvaluateSpec;
import io.octavo.jobs.spec.JobSpec;
import io.octavo.jobs.spec.PipelineSpec;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.spec.Requirements;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.jobs.spec.SourceUri;
import io.octavo.jobs.worker.DiskOutlook;
import io.octavo.jobs.worker.WorkerRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;

/**
 * Plans a job from headers alone. What cannot work is refused; what cannot be looked at in time is left to the worker,
 * and the plan says so.
 */
@Service
public class JobPreFlight {

    /** Of data, of which what is no text shows soon. */
    private static final int HEAD_BYTES = 64 << 10;

    /** Of the files of one folder. */
    private static final int MOST_HEADS = 4;

    private final JobPlanner planner;
    private final SourceCatalog sources;
    private final WorkerRegistry workers;
    private final Duration timeout;
    private final HeaderRoom room = HeaderRoom.ofThisProcess();

    JobPreFlight(JobPlanner planner, SourceCatalog sources, WorkerRegistry workers, PlanProperties properties) {
        this.planner = planner;
        this.sources = sources;
        this.workers = workers;
        this.timeout = properties.preFlightTimeout();
    }

    /**
     * @throws ProblemException if a source is not there or may not be read, or {@code disk-too-small}
     * @throws QuantizationException if the job cannot work
     */
    public PlanView plan(TenantId tenant, JobSpec spec) {
        return plan(tenant, spec, System.nanoTime() + timeout.toNanos());
    }

    /** @param deadline of all looks together, by {@link System#nanoTime} */
    private PlanView plan(TenantId tenant, JobSpec spec, long deadline) {
        JobPlan plan = planner.plan(tenant, spec);
        var found = new Found(plan);
        List<NotChecked> notChecked = found.notChecked;
        PlanReport quantization = null;
        List<Evaluation> evaluations = List.of();
        Long diskBytes = null;
        switch (spec) {
            case QuantizeSpec job -> {
                Recipe recipe = job.recipe();
                PreFlight.requireSound(recipe);
                List<PlanReport.Warning> few = job.calibration().stream()
                        .flatMap(data -> fewTexts(data, look(tenant, data.dataset(), deadline, found)).stream())
                        .toList();
                quantization = look(
                                tenant,
                                job.source(),
                                checkpoint -> PreFlight.quantization(checkpoint, recipe),
                                deadline,
                                found)
                        .orElse(null);
                if (quantization != null) {
                    quantization = quantization.warned(few);
                    diskBytes = quantization.resources().diskBytes();
                    notChecked.add(
                            new NotChecked(
                                    job.source().toString(),
                                    "numbers are read by workers alone: a NaN or an infinity, quantized or kept, fails the job"));
                }
            }
            case EvaluateSpec job -> {
                evaluations = evaluations(tenant, job, deadline, found);
                job.tasks().stream()
                        .flatMap(task -> task.data().stream())
                        .distinct()
                        .forEach(data -> look(tenant, data, deadline, found));
                ModelLimits.require(job, evaluations);
                diskBytes = found.bytes();
            }
            case BenchmarkSpec job -> {
                evaluations = evaluations(tenant, job, deadline, found);
                ModelLimits.require(job, evaluations);
                diskBytes = found.bytes();
            }
            case ServeSpec job -> {
                evaluations = evaluations(tenant, job, deadline, found);
                diskBytes = found.bytes();
            }
            case PipelineSpec job -> {
                return new PlanView(
                        plan.spec(),
                        plan.inputs(),
                        null,
                        List.of(),
                        null,
                        List.of(),
                        List.of(),
                        steps(tenant, job, deadline));
            }
            case ConvertSpec job -> {
                Optional<Long> written = look(
                        tenant,
                        job.source(),
                        checkpoint -> PreFlight.conversion(checkpoint, job.layout()),
                        deadline,
                        found);
                Long read = found.bytes();
                diskBytes = read == null || written.isEmpty() ? null : Long.valueOf(read + written.get());
                notChecked.add(new NotChecked(
                        job.source().toString(),
                        "whether its numbers fit the layout shows in the tensors, not in headers"));
            }
        }
        List<PlanReport.Warning> warnings = onWorkers(diskBytes, spec.requirements());
        return new PlanView(
                plan.spec(),
                plan.inputs(),
                quantization == null ? null : quantization.warned(warnings),
                evaluations,
                diskBytes,
                quantization == null ? warnings : List.of(),
                notChecked,
                List.of());
    }

    private static Optional<PlanReport.Warning> fewTexts(QuantizeSpec.Calibration data, Optional<Long> texts) {
        return texts.filter(count -> count < data.samples())
                .map(count -> new PlanReport.Warning(
                        "few-samples",
                        data.samples() + " samples are asked for, but the data hold " + count
                                + ": each line of a .jsonl file is one, and any other file is one as a whole"));
    }

    /** What running each of the job's checkpoints takes. */
    private List<Evaluation> evaluations(TenantId tenant, JobSpec job, long deadline, Found found) {
        return job.sources().stream()
                .distinct()
                .flatMap(source -> look(tenant, source, PreFlight::evaluation, deadline, found).stream()
                        .map(report -> new Evaluation(source.toString(), report)))
                .toList();
    }

    /**
     * What no disk of those workers can hold that live now is refused; what none has room for at the moment waits.
     *
     * @param needed null where it is not known
     */
    private List<PlanReport.Warning> onWorkers(@Nullable Long needed, Requirements asked) {
        DiskOutlook disks = workers.disks(asked);
        if (disks.workers() == 0 && !asked.equals(Requirements.NONE)) {
            return List.of(new PlanReport.Warning(
                    "no-worker-fits", "no living worker has " + asked + ", so the job waits until one has"));
        }
        if (needed == null || disks.workers() == 0 || needed <= disks.freeBytes()) {
            return List.of();
        }
        if (needed > disks.totalBytes()) {
            throw new ProblemException(
                    ProblemCode.DISK_TOO_SMALL,
                    "the job needs " + needed
                            + " bytes of a worker's disk; the largest disk of a worker that could run it has "
                            + disks.totalBytes());
        }
        return List.of(new PlanReport.Warning(
                "disk-occupied",
                "the job needs " + needed + " bytes of a worker's disk; none has more than " + disks.freeBytes()
                        + " for a job now, so it waits until one has"));
    }

    /** What cannot work in one step is refused for all of them, with the step's name. */
    private List<PlanView.Step> steps(TenantId tenant, PipelineSpec pipeline, long deadline) {
        List<PlanView.Step> steps = new ArrayList<>();
        var made = new PipelineSteps(pipeline);
        for (PipelineSpec.Step step : pipeline.steps()) {
            try {
                made.requireUsable(step.job()).ifPresent(then -> requireConvertible(tenant, then, deadline));
                steps.add(new PlanView.Step(step.name(), step.needs(), plan(tenant, step.job(), deadline)));
            } catch (ProblemException e) {
                throw new ProblemException(e.code(), "step " + step.name() + ": " + e.detail(), e);
            } catch (QuantizationException e) {
                throw new QuantizationException(e.code(), "step " + step.name() + ": " + e.getMessage(), e);
            }
        }
        return steps;
    }

    private void requireConvertible(TenantId tenant, PipelineSteps.Conversion then, long deadline) {
        look(
                then.origin(),
                () -> read(
                        tenant,
                        then.origin(),
                        checkpoint -> {
                            PreFlight.requireConvertible(checkpoint, then.from(), then.to());
                            return then;
                        },
                        deadline,
                        files -> {}),
                deadline,
                new ArrayList<>());
    }

    /**
     * Whether data are there, and are texts.
     *
     * @return how many texts there may be
     */
    private Optional<Long> look(TenantId tenant, DatasetReference data, long deadline, Found found) {
        return look(data.source(), () -> texts(tenant, data, found), deadline, found.notChecked);
    }

    private long texts(TenantId tenant, DatasetReference data, Found found) {
        List<SourceFile> files = sources.files(tenant, data);
        found.holds(data.source(), files);
        long texts = 0;
        for (int i = 0; i < files.size(); i++) {
            SourceFile file = files.get(i);
            String name = data.source() instanceof SourceUri.Hub hub ? hub + "#" + file.path() : data.toString();
            texts += PreFlight.requireText(name, file.size(), i < MOST_HEADS ? head(name, file) : new byte[0]);
        }
        return texts;
    }

    private static byte[] head(String name, SourceFile file) {
        int bytes = (int) Math.min(HEAD_BYTES, file.size());
        if (bytes == 0) {
            return new byte[0];
        }
        try (InputStream in = file.content().open(0, bytes)) {
            return in.readNBytes(bytes);
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.IO_FAILED, "dataset " + name + " cannot be read", e);
        }
    }

    private <T> Optional<T> look(
            TenantId tenant, SourceUri source, Function<Checkpoint, T> report, long deadline, Found found) {
        return look(
                source,
                () -> read(tenant, source, report, deadline, files -> found.holds(source, files)),
                deadline,
                found.notChecked);
    }

    private <T> T read(
            TenantId tenant,
            SourceUri source,
            Function<Checkpoint, T> report,
            long deadline,
            Consumer<List<SourceFile>> seen) {
        SourceListing listing = sources.list(tenant, source);
        seen.accept(listing.files());
        var files = new CheckpointFiles(listing.sizes(), listing::open);
        try (HeaderRoom.Look look = room.look(deadline);
                Checkpoint checkpoint = Checkpoint.ofHeaders(files, look::admit)) {
            return report.apply(checkpoint);
        }
    }

    private <T> Optional<T> look(SourceUri source, Callable<T> report, long deadline, List<NotChecked> notChecked) {
        if (source instanceof SourceUri.Step) {
            notChecked.add(new NotChecked(source.toString(), "it is made by that step, before this one runs"));
            return Optional.empty();
        }
        if (source instanceof SourceUri.LocalFile folder && !sources.readsFolders()) {
            if (!workers.mayRead(folder.path())) {
                throw SourceCatalog.notAllowed(folder);
            }
            notChecked.add(new NotChecked(source.toString(), "file: sources are read by workers alone"));
            return Optional.empty();
        }
        var looking = new FutureTask<>(report);
        Thread.ofVirtual().name("pre-flight").start(looking);
        try {
            return Optional.of(looking.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            looking.cancel(true);
            notChecked.add(new NotChecked(source.toString(), "its headers did not arrive within " + timeout));
        } catch (ExecutionException e) {
            if (!mayPass(e.getCause())) {
                throw refusal(e);
            }
            notChecked.add(new NotChecked(source.toString(), "its headers cannot be read now"));
        } catch (InterruptedException e) {
            looking.cancel(true);
            Thread.currentThread().interrupt();
            notChecked.add(new NotChecked(source.toString(), "the service is stopping"));
        }
        return Optional.empty();
    }

    private static boolean mayPass(@Nullable Throwable failure) {
        return switch (failure) {
            case ProblemException problem -> problem.code().category() == ProblemCategory.UNAVAILABLE;
            case QuantizationException refusal -> refusal.code().kind() == ErrorKind.TRANSIENT;
            case null, default -> false;
        };
    }

    private static RuntimeException refusal(ExecutionException failure) {
        return failure.getCause() instanceof RuntimeException known ? known : new IllegalStateException(failure);
    }

    /** What the looks at one job's inputs found; one that comes too late may still write. */
    private static final class Found {

        private final JobPlan plan;
        private final Map<String, Long> contents;
        private final Set<String> known = ConcurrentHashMap.newKeySet();
        private final List<NotChecked> notChecked = new ArrayList<>();

        Found(JobPlan plan) {
            this.plan = plan;
            this.contents = new ConcurrentHashMap<>(plan.contents());
        }

        void holds(SourceUri source, List<SourceFile> files) {
            for (SourceFile file : files) {
                String content = file.known().map(BlobId::sha256).orElseGet(() -> source + " " + file.path());
                contents.put(content, file.size());
            }
            known.add(source.toString());
        }

        /** Bytes of all inputs, equal ones once; null unless all of them are known. */
        @Nullable Long bytes() {
            boolean all =
                    plan.inputs().stream().allMatch(input -> input.bytes() != null || known.contains(input.uri()));
            return all ? contents.values().stream().mapToLong(Long::longValue).sum() : null;
        }
    }
}
