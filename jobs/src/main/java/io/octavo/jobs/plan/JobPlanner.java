package io.octavo.jobs.plan;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RepositoryService;
import io.octavo.jobs.source.SourceCatalog;
import io.octavo.jobs.source.SourceFile;
import io.octavo.jobs.spec.DatasetReference;
import io.octavo.jobs.spec.JobSpec;
import io.octavo.jobs.spec.SourceUri;
import io.octavo.wire.RepositoryFile;
import io.octavo.wire.RevisionView;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
     *     repository-not-found} if the target is not the tenant's to make, {@code target-is-source}, {@code
     *     pipeline-target-duplicate}
     */
    public JobPlan plan(TenantId tenant, JobSpec spec) {
        JobTargets.of(spec).forEach(target -> repositories.requireOwn(tenant, target));
        Map<String, Long> contents = new HashMap<>();
        List<JobPlan.Input> inputs = Stream.concat(
                        spec.sources().stream().map(source -> input(tenant, source, contents)),
                        spec.data().stream().map(data -> input(tenant, data, contents)))
                .toList();
        return new JobPlan(spec.toJson(), inputs.stream().distinct().toList(), contents);
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
