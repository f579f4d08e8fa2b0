package io.octavo.worker.run;

import io.octavo.engine.benchmark.PeakMemory;
import io.octavo.jobs.queue.Claim;
import io.octavo.jobs.spec.BenchmarkSpec;
import io.octavo.jobs.spec.ConvertSpec;
import io.octavo.jobs.spec.EvaluateSpec;
import io.octavo.jobs.spec.PipelineSpec;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.attempt.JobScratch;
import java.util.Set;
import org.springframework.stereotype.Component;

/** Finds who runs a job. */
@Component
public class JobRunners {

    private final QuantizeJobRunner quantize;
    private final ConvertJobRunner convert;
    private final EvaluateJobRunner evaluate;
    private final BenchmarkJobRunner benchmark;

    JobRunners(
            QuantizeJobRunner quantize,
            ConvertJobRunner convert,
            EvaluateJobRunner evaluate,
            BenchmarkJobRunner benchmark) {
        this.quantize = quantize;
        this.convert = convert;
        this.evaluate = evaluate;
        this.benchmark = benchmark;
    }

    /** Types of jobs that this worker can run. */
    public Set<String> types() {
        return Set.of(QuantizeSpec.TYPE, ConvertSpec.TYPE, EvaluateSpec.TYPE, BenchmarkSpec.TYPE);
    }

    /**
     * Does the work; nothing of it is visible yet.
     *
     * @return the commit: one transaction that makes the outcome visible and completes the job; it may be repeated
     */
    public Runnable run(Claim claim, Attempt attempt, JobScratch scratch) {
        PeakMemory.reset();
        return switch (claim.spec()) {
            case QuantizeSpec job -> quantize.run(job, claim.plan(), attempt, scratch);
            case ConvertSpec job -> convert.run(job, attempt, scratch);
            case EvaluateSpec job -> evaluate.run(job, attempt, scratch);
            case BenchmarkSpec job -> benchmark.run(job, attempt, scratch);
            case PipelineSpec job -> throw new IllegalStateException("a pipeline has no work but that of its steps");
        };
    }
}
