package io.octavo.engine.quantize;

import io.octavo.engine.JobMonitor;
import io.octavo.engine.VerificationReport;
import io.octavo.engine.VerificationReport.ModuleError;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.CompressedTensors;
import io.octavo.engine.quantize.QuantizationPlan.Keep;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.TensorInfo;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.function.LongConsumer;

/**
 * Reads an artifact back through the reader that everyone uses, and compares it with its source.
 *
 * <p>Checked: the config gives the intended label and explains every tensor; nothing is missing or surplus; untouched
 * tensors are bit-identical; scales are finite and positive; no code is NaN; every module's error is one that rounding
 * alone can make.
 */
final class Verification {

    /**
     * Rounding to E4M3 moves a normal number by at most 2^-4 of itself and a subnormal one by at most 2^-10 of the
     * scale; rounding the scale to bf16 can clip the row's largest number by 2^-8 of itself.
     */
    private static final double MAX_RELATIVE_ERROR = 0.07;

    private static final long WINDOW_BYTES = 1 << 24;

    private final QuantizationPlan plan;
    private final Checkpoint artifact;
    private final List<String> failures = new ArrayList<>();
    private final Map<Keep, Future<Optional<String>>> keptTasks = new LinkedHashMap<>();
    private final Map<Quantize, Future<ModuleError>> moduleTasks = new LinkedHashMap<>();

    /**
     * Begins to compare in the background.
     *
     * @param artifact borrowed until the report is there
     */
    Verification(QuantizationPlan plan, Checkpoint artifact, BackgroundTasks tasks) {
        this.plan = plan;
        this.artifact = artifact;
        failures.addAll(structuralFailures());
        if (failures.isEmpty()) {
            plan.kept().forEach(step -> keptTasks.put(step, tasks.submit(() -> compareKept(step))));
            plan.quantized().forEach(step -> moduleTasks.put(step, tasks.submit(() -> compareModule(step))));
        }
    }

    /**
     * Waits for everything to be compared.
     *
     * @param afterTensor receives the source bytes of every tensor that was compared, in this thread
     */
    VerificationReport report(JobMonitor monitor, LongConsumer afterTensor) {
        int untouched = 0;
        for (var task : keptTasks.entrySet()) {
            Optional<String> difference = BackgroundTasks.await(task.getValue(), monitor);
            untouched += difference.isEmpty() ? 1 : 0;
            difference.ifPresent(failures::add);
            afterTensor.accept(task.getKey().source().info().byteSize());
        }
        var errors = new ArrayList<ModuleError>();
        for (var task : moduleTasks.entrySet()) {
            ModuleError error = BackgroundTasks.await(task.getValue(), monitor);
            errors.add(error);
            // Written so that NaN fails.
            if (!(error.relativeError() <= MAX_RELATIVE_ERROR)) {
                failures.add("module " + error.module() + ": relative error " + error.relativeError() + "; at most "
                        + MAX_RELATIVE_ERROR + " is possible by rounding");
            }
            afterTensor.accept(task.getKey().source().info().byteSize());
        }
        return new VerificationReport(failures.isEmpty(), untouched, errors, failures);
    }

    private List<String> structuralFailures() {
        var failures = new ArrayList<String>();
        Label label = Label.of(artifact.config());
        if (!label.equals(Label.of(plan.scheme()))) {
            failures.add("the written config says " + label.text() + " instead of "
                    + Label.of(plan.scheme()).text());
        }
        Set<String> planned = new HashSet<>();
        for (QuantizationPlan.Step step : plan.steps()) {
            step.outputs().forEach(output -> planned.add(output.name()));
        }
        if (!planned.equals(artifact.names())) {
            failures.add("the artifact holds " + artifact.names().size() + " tensors, not the " + planned.size()
                    + " that were planned");
        }
        Set<String> modules =
                Set.copyOf(plan.quantized().stream().map(Quantize::module).toList());
        if (!CompressedTensors.read(artifact).byName().keySet().equals(modules)) {
            failures.add("the written config does not apply to exactly the modules that were quantized");
        }
        return failures;
    }

    private ModuleError compareModule(Quantize step) {
        return WeightComparison.compare(step, stored(step.source().info().name()), stored(step.scaleName()));
    }

    private Optional<String> compareKept(Keep step) {
        TensorInfo source = step.source().info();
        StoredTensor copy = stored(source.name());
        boolean equal = source.dtype() == copy.info().dtype()
                && source.shape().equals(copy.info().shape());
        for (long from = 0; equal && from < source.byteSize(); from += WINDOW_BYTES) {
            long to = Math.min(from + WINDOW_BYTES, source.byteSize());
            try (Arena window = Arena.ofConfined()) {
                equal = step.source()
                                .shard()
                                .map(source, from, to, window)
                                .mismatch(copy.shard().map(copy.info(), from, to, window))
                        < 0;
            }
        }
        return equal ? Optional.empty() : Optional.of("tensor " + source.name() + " differs from the source");
    }

    private StoredTensor stored(String name) {
        StoredTensor tensor = artifact.stored().get(name);
        if (tensor == null) {
            throw new IllegalStateException("the artifact lost tensor " + name);
        }
        return tensor;
    }
}
