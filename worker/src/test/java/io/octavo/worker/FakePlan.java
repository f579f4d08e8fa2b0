package io.octavo.worker;

import io.octavo.engine.checkpoint.CheckpointFiles;
import io.octavo.engine.plan.PlanReport;
import java.util.List;

/** What engines of tests plan. */
public final class FakePlan {

    private FakePlan() {}

    /** Every input becomes an output of the same size, and {@code more} bytes are written beside them. */
    public static PlanReport of(CheckpointFiles source, long more) {
        long bytes = source.sizes().values().stream().mapToLong(Long::longValue).sum();
        return new PlanReport(
                "W8A8-FP8-dynamic",
                List.of(),
                3,
                1,
                8.5,
                bytes,
                bytes + more,
                1,
                List.of(),
                new PlanReport.Resources(0, 0, 0, 0),
                List.of(),
                List.of());
    }
}
