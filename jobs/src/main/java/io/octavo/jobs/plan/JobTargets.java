package io.octavo.jobs.plan;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.BenchmarkSpec;
import io.octavo.jobs.spec.ConvertSpec;
import io.octavo.jobs.spec.DatasetReference;
import io.octavo.jobs.spec.EvaluateSpec;
import io.octavo.jobs.spec.JobSpec;
import io.octavo.jobs.spec.PipelineSpec;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.jobs.spec.SingleJobSpec;
import io.octavo.jobs.spec.SourceUri;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Where a job writes: an artifact becomes the newest revision of its target, in place of what lies there. */
final class JobTargets {

    private final Map<String, SingleJobSpec> jobs = new LinkedHashMap<>();
    private final Map<String, RepositoryName> made = new LinkedHashMap<>();

    private JobTargets(JobSpec spec) {
        switch (spec) {
            case PipelineSpec pipeline -> pipeline.steps().forEach(step -> jobs.put(name(step.name()), step.job()));
            case SingleJobSpec job -> jobs.put("the job", job);
            case ServeSpec deployment -> {}
        }
        jobs.forEach((maker, job) -> target(job).ifPresent(target -> made.put(maker, target)));
    }

    /**
     * Targets of the job or of its steps.
     *
     * @throws ProblemException {@code target-is-source} if one is what the job or any step reads, be it a model or data,
     *     {@code pipeline-target-duplicate} if two are one
     */
    static Collection<RepositoryName> of(JobSpec spec) {
        var targets = new JobTargets(spec);
        targets.made.forEach(targets::requireUnread);
        targets.requireDistinct();
        return targets.made.values();
    }

    private void requireUnread(String maker, RepositoryName target) {
        jobs.forEach((reader, job) -> reads(job).forEach(read -> {
            boolean replaced = switch (read) {
                case SourceUri.Hub hub -> hub.repository().equals(target);
                case SourceUri.Step step -> reader.equals(maker) && target.equals(made.get(name(step.name())));
                case SourceUri.S3 prefix -> false;
                case SourceUri.LocalFile folder -> false;
            };
            if (replaced) {
                throw new ProblemException(
                        ProblemCode.TARGET_IS_SOURCE,
                        "target " + target + " of " + maker + " is the repository of " + read + ", which " + reader
                                + " reads and whose newest revision the artifact would replace; name another one");
            }
        }));
    }

    private void requireDistinct() {
        Map<RepositoryName, String> makers = new HashMap<>();
        made.forEach((maker, target) -> {
            String earlier = makers.putIfAbsent(target, maker);
            if (earlier != null) {
                throw new ProblemException(
                        ProblemCode.PIPELINE_TARGET_DUPLICATE,
                        "target " + target + " of " + maker + " is that of " + earlier
                                + ", in whose place it would come; name another one");
            }
        });
    }

    private static Stream<SourceUri> reads(SingleJobSpec job) {
        return Stream.concat(job.sources().stream(), job.data().stream().map(DatasetReference::source));
    }

    private static Optional<RepositoryName> target(SingleJobSpec job) {
        return switch (job) {
            case QuantizeSpec quantize -> Optional.of(quantize.target());
            case ConvertSpec convert -> Optional.of(convert.target());
            case EvaluateSpec evaluate -> Optional.empty();
            case BenchmarkSpec benchmark -> Optional.empty();
        };
    }

    private static String name(String step) {
        return "step " + step;
    }
}
