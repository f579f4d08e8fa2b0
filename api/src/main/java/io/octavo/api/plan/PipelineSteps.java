package io.octavo.api.plan;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.plan.PreFlight;
import io.octavo.jobs.spec.BenchmarkSpec;
import io.octavo.jobs.spec.ConvertSpec;
import io.octavo.jobs.spec.EvaluateSpec;
import io.octavo.jobs.spec.PipelineSpec;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.spec.SingleJobSpec;
import io.octavo.jobs.spec.SourceUri;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** What steps make for those behind them, as far as it can be told before it is made. */
final class PipelineSteps {

    private final Map<String, SingleJobSpec> jobs = new HashMap<>();

    PipelineSteps(PipelineSpec pipeline) {
        pipeline.steps().forEach(step -> jobs.put(step.name(), step.job()));
    }

    /**
     * What has been converted once when a step converts it again.
     *
     * @param origin what the first of them reads
     * @param from the layout that it has by then
     */
    record Conversion(SourceUri origin, String from, String to) {}

    /**
     * @return what shows in the origin's config alone
     * @throws QuantizationException if the job cannot work on what a step before it makes
     */
    Optional<Conversion> requireUsable(SingleJobSpec job) {
        return switch (job) {
            case QuantizeSpec quantize -> {
                if (quantize.source() instanceof SourceUri.Step made) {
                    throw new QuantizationException(
                            ErrorCode.ALREADY_QUANTIZED, "the source is quantized already: " + made + " makes it so");
                }
                yield Optional.empty();
            }
            case ConvertSpec convert ->
                convert.source() instanceof SourceUri.Step made
                        ? requireConvertible(maker(made), convert.layout())
                        : Optional.empty();
            case EvaluateSpec evaluate -> Optional.empty();
            case BenchmarkSpec benchmark -> Optional.empty();
        };
    }

    private Optional<Conversion> requireConvertible(SingleJobSpec before, String to) {
        String from = before instanceof ConvertSpec converted ? converted.layout() : "";
        SingleJobSpec maker = before;
        while (maker instanceof ConvertSpec convert) {
            if (!(convert.source() instanceof SourceUri.Step made)) {
                return Optional.of(new Conversion(convert.source(), from, to));
            }
            maker = maker(made);
        }
        if (maker instanceof QuantizeSpec quantize) {
            PreFlight.requireConvertible(quantize.recipe(), from.isEmpty() ? quantize.layout() : from, to);
        }
        return Optional.empty();
    }

    private SingleJobSpec maker(SourceUri.Step made) {
        return Objects.requireNonNull(jobs.get(made.name()), "the reader knows each step");
    }
}
