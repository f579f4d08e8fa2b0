package io.octavo.engine.quantize;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.request.VerificationReport.ModuleError;
import io.octavo.kernels.backend.Backend;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The error of stored codes and scales against the source weight, computed by the backend in f64 from what the reader of the
 * layout gives; one module at a time.
 *
 * <p>Rows of a large module take turns in two windows, of which one is read while the other is compared. One thread judges them
 * in their order, so that sums do not depend on how many modules are compared at once.
 */
final class WeightComparison implements AutoCloseable {

    private final List<ComparisonWindow> windows = new ArrayList<>();

    /** Of the last module, which most others are like. */
    private float[] codebook = {};

    private @Nullable WeightBounds codebookOf;

    /**
     * @param failure what the action's bounds do not allow; empty if all is well
     * @param note what they allow and people should know
     * @param absmax of the source weight
     */
    record Result(ModuleError error, Optional<String> failure, Optional<String> note, float absmax) {

        /** Asked only if nothing failed before. */
        Result orFailure(Supplier<Optional<String>> other) {
            return new Result(error, failure.or(other), note, absmax);
        }
    }

    /**
     * @param plan all modules that will be compared
     * @param artifact where they are stored
     * @throws QuantizationException {@code OUT_OF_MEMORY}
     */
    WeightComparison(Backend backend, QuantizationPlan plan, Checkpoint artifact) {
        var sizes = ComparisonWindow.Sizes.of(plan);
        try {
            while (windows.size() < windows(plan)) {
                windows.add(new ComparisonWindow(backend, sizes, artifact));
            }
        } catch (IllegalStateException | OutOfMemoryError e) {
            close();
            throw new QuantizationException(
                    ErrorCode.OUT_OF_MEMORY, "no memory to compare what was written: " + e.getMessage(), e);
        }
    }

    /** Of the backend, that one comparison takes. */
    static long bytes(QuantizationPlan plan) {
        var sizes = ComparisonWindow.Sizes.of(plan);
        return windows(plan) * (sizes.input() + sizes.output());
    }

    private static int windows(QuantizationPlan plan) {
        return plan.quantized().stream().anyMatch(action -> ComparisonWindow.rows(action) < action.outFeatures())
                ? 2
                : 1;
    }

    Result compare(Quantize action, QuantizedWeight stored) {
        WeightBounds bounds = action.bounds();
        var rows = new RowBounds(action, bounds, stored);
        if (!bounds.equals(codebookOf)) {
            codebook = bounds.codebook();
            codebookOf = bounds;
        }
        windows.forEach(window -> window.open(codebook));
        long windowRows = ComparisonWindow.rows(action);
        int turn = 0;
        for (long from = 0; from < action.outFeatures(); from += windowRows) {
            ComparisonWindow window = windows.get(turn++ % windows.size());
            window.judge(rows);
            window.begin(action, stored, from, Math.min(from + windowRows, action.outFeatures()));
        }
        for (int last = 0; last < windows.size(); last++) {
            windows.get(turn++ % windows.size()).judge(rows);
        }
        return new Result(rows.error(), rows.failure(), rows.note(), rows.absmax());
    }

    @Override
    public void close() {
        windows.forEach(ComparisonWindow::close);
    }
}
