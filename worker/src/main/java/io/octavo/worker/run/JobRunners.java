package io.octavo.worker.run;

import io.octavo.engine.benchmark.PeakMemory;
import io.octavo.jobs.queue.Claim;
import io.octavo.jobs.spec.BenchmarkSpec;
import io.octavo.jobs.spec.ConvertSpec;
import io.octavo.jobs.spec.EvaluateSpec;
import io.octavo.jobs.spec.PipelineSpec;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.attempt.JobScratch;
import io.octavo.worker.deploy.ServeJobRunner;
import java.util.Set;
import org.springframework.stereotype.Component;

/** Finds who runs a job. */
@Component
public class JobRunners {

    private final QuantizeJobRunner quantize;
    private final ConvertJobRunner convert;
    private final EvaluateJobRunner evaluate;
    private final BenchmarkJobRunner benchmark;
    private final ServeJobRunner serve;

    JobRunners(
            QuantizeJobRunner quantize,
            ConvertJobRunner convert,
            EvaluateJobRunner evaluate,
            BenchmarkJobRunner benchmark,
            ServeJobRunner serve) {
        this.quantize = quantize;
        this.convert = convert;
        this.evaluate = evaluate;
        this.benchmark = benchmark;
        this.serve = serve;
    }

    /** Types of jobs that this worker runs one after the other; deployments are taken beside them. */
    public Set<String> types() {
        return Set.of(QuantizeSpec.TYPE, ConvertSpec.TYPE, EvaluateSpec.TYPE, BenchmarkSpec.TYPE);
    }

    /**
     * Does the work; nothing of it is visible yet.
     *
     * @return the commit: one transaction that makes the outcome visible and completes the job; it may be repeated
     */
    public Runnable run(Claim claim, Attempt attempt, JobScratch scratch) {
        if (!(claim.spec() instanceof ServeSpec)) {
            PeakMemory.reset();
        }
        return switch (claim.spec()) {
            case QuantizeSpec job -> quantize.run(job, claim.plan(), attempt, scratch);
            case ConvertSpec job -> convert.run(job, attempt, scratch);
            case EvaluateSpec job -> evaluate.run(job, attempt, scratch);
            case BenchmarkSpec job -> benchmark.run(job, attempt, scratch);
            case ServeSpec job -> serve.run(job, attempt, scratch);
            case PipelineSpec job -> throw new IllegalStateException("a pipeline has no work but that of its steps");
        };
    }
}
