package io.octavo.jobs.plan;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.jobs.source.SourceCatalog;
import io.octavo.jobs.source.SourceFile;
import io.octavo.jobs.spec.BenchmarkSpec;
import io.octavo.jobs.spec.ConvertSpec;
import io.octavo.jobs.spec.DatasetReference;
import io.octavo.jobs.spec.EvaluateSpec;
import io.octavo.jobs.spec.JobSpec;
import io.octavo.jobs.spec.PipelineSpec;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.jobs.spec.SourceUri;
import io.octavo.jobs.spec.TaskSpec;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionView;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.springframework.stereotype.Service;

/** Looks before a job leaps: a typing mistake in a repository's name should not wait for a worker. */
@Service
public class JobPlanner {

    private final RepositoryService repositories;
    private final SourceCatalog sources;

    JobPlanner(RepositoryService repositories, SourceCatalog sources) {
        this.repositories = repositories;
        this.sources = sources;
    }

    /**
     * A pipeline's steps are planned one by one.
     *
     * @throws ProblemException {@code source-not-found} if a repository, revision or file does not exist here, {@code
     *     source-ambiguous} if a dataset is one of several files, {@code source-not-allowed} if it may not be read, {@code
     *     repository-not-found} if the target is not the tenant's to make, {@code target-is-source}
     */
    public JobPlan plan(TenantId tenant, JobSpec spec) {
        switch (spec) {
            case QuantizeSpec quantize -> requireTarget(tenant, quantize.source(), quantize.target(), Map.of());
            case ConvertSpec convert -> requireTarget(tenant, convert.source(), convert.target(), Map.of());
            case EvaluateSpec evaluate -> {}
            case BenchmarkSpec benchmark -> {}
            case PipelineSpec pipeline -> requireTargets(tenant, pipeline);
            case ServeSpec deployment -> {}
        }
        Map<String, Long> contents = new HashMap<>();
        List<JobPlan.Input> inputs = switch (spec) {
            case QuantizeSpec quantize ->
                Stream.concat(
                                Stream.of(input(tenant, quantize.source(), contents)),
                                quantize.calibration().stream().map(data -> input(tenant, data.dataset(), contents)))
                        .toList();
            case ConvertSpec convert -> List.of(input(tenant, convert.source(), contents));
            case EvaluateSpec evaluate -> inputs(tenant, evaluate, contents);
            case BenchmarkSpec benchmark ->
                benchmark.sources().stream()
                        .map(source -> input(tenant, source, contents))
                        .toList();
            case PipelineSpec pipeline -> List.of();
            case ServeSpec deployment -> List.of(input(tenant, deployment.source(), contents));
        };
        return new JobPlan(spec.toJson(), inputs.stream().distinct().toList(), contents);
    }

    private void requireTargets(TenantId tenant, PipelineSpec pipeline) {
        Map<String, RepositoryName> made = new HashMap<>();
        for (PipelineSpec.Step step : pipeline.steps()) {
            switch (step.job()) {
                case QuantizeSpec quantize -> made.put(step.name(), quantize.target());
                case ConvertSpec convert -> made.put(step.name(), convert.target());
                case EvaluateSpec evaluate -> {}
                case BenchmarkSpec benchmark -> {}
            }
        }
        for (PipelineSpec.Step step : pipeline.steps()) {
            RepositoryName target = made.get(step.name());
            if (target != null) {
                step.job().sources().forEach(source -> requireTarget(tenant, source, target, made));
            }
        }
    }

    /** @param made by step */
    private void requireTarget(
            TenantId tenant, SourceUri source, RepositoryName target, Map<String, RepositoryName> made) {
        boolean same = switch (source) {
            case SourceUri.Hub hub -> hub.repository().equals(target);
            case SourceUri.Step step -> target.equals(made.get(step.name()));
            case SourceUri.S3 prefix -> false;
            case SourceUri.LocalFile folder -> false;
        };
        if (same) {
            throw new ProblemException(
                    ProblemCode.TARGET_IS_SOURCE,
                    "target " + target + " is the repository of the source " + source
                            + ", whose newest revision the artifact would replace; name another one");
        }
        repositories.requireOwn(tenant, target);
    }

    private List<JobPlan.Input> inputs(TenantId tenant, EvaluateSpec spec, Map<String, Long> contents) {
        List<JobPlan.Input> inputs = new ArrayList<>();
        Stream.of(spec.source(), spec.baseline())
                .filter(Objects::nonNull)
                .forEach(source -> inputs.add(input(tenant, source, contents)));
        spec.tasks().stream()
                .map(TaskSpec::data)
                .flatMap(Optional::stream)
                .forEach(data -> inputs.add(input(tenant, data, contents)));
        return inputs;
    }

    /** @param contents gets what the source holds */
    private JobPlan.Input input(TenantId tenant, SourceUri source, Map<String, Long> contents) {
        if (!(source instanceof SourceUri.Hub hub)) {
            sources.requireAllowed(tenant, source);
            return new JobPlan.Input(source.toString(), null, null, null);
        }
        RevisionView revision = revision(tenant, hub);
        revision.files().forEach(file -> contents.put(file.sha256(), file.size()));
        return new JobPlan.Input(
                source.toString(),
                revision.id(),
                revision.files().size(),
                revision.files().stream().mapToLong(RepositoryFile::size).sum());
    }

    /** Files that must be there, and one be named if there are several. */
    private JobPlan.Input input(TenantId tenant, DatasetReference dataset, Map<String, Long> contents) {
        if (!(dataset.source() instanceof SourceUri.Hub hub)) {
            return input(tenant, dataset.source(), contents);
        }
        String revision = revision(tenant, hub).id();
        List<SourceFile> files = sources.files(tenant, dataset);
        files.stream().flatMap(file -> file.known().stream()).forEach(id -> contents.put(id.sha256(), id.size()));
        return new JobPlan.Input(
                dataset.toString(),
                revision,
                files.size(),
                files.stream().mapToLong(SourceFile::size).sum());
    }

    private RevisionView revision(TenantId tenant, SourceUri.Hub source) {
        try {
            return repositories.revision(tenant, source.repository(), source.revision());
        } catch (ProblemException e) {
            throw new ProblemException(ProblemCode.SOURCE_NOT_FOUND, "source " + source + ": " + e.detail(), e);
        }
    }
}
