package io.octavo.engine.quantize;

import io.octavo.engine.artifact.BackgroundTasks;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.layout.weight.KvCacheScales;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.quantize.QuantizationPlan.Keep;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.VerificationReport;
import io.octavo.engine.request.VerificationReport.Check;
import io.octavo.engine.request.VerificationReport.ModuleError;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.kernels.backend.Backend;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads an artifact back through the reader that everyone uses, and compares it with its source.
 *
 * <p>Checked: the config gives the intended label and explains every tensor; nothing is missing or surplus; untouched
 * tensors are bit-identical; scales are finite, positive and what the weights lead to; every number is one that rounding to
 * its code allows. What was solved is written bit for bit, and near enough to the weights to be a solution.
 */
final class Verification implements AutoCloseable {

    /** Each has buffers of its own; the threads that are left compare what was kept, or still hash. */
    private static final int MOST_COMPARISONS = 12;

    private static final double COMPARING_SHARE = 0.75;

    private final QuantizationPlan plan;
    private final Checkpoint artifact;
    private final List<String> failures = new ArrayList<>();
    private final List<Check> checks = new ArrayList<>();
    private QuantizedModules stored = QuantizedModules.none();
    private final BackgroundTasks tasks;
    private final Backend backend;
    private final Semaphore room;
    private final Queue<WeightComparison> idle = new ConcurrentLinkedQueue<>();
    private final Map<Keep, Future<Optional<String>>> keptTasks = new LinkedHashMap<>();
    private final Map<Quantize, Future<WeightComparison.Result>> moduleTasks = new LinkedHashMap<>();

    /**
     * @param artifact borrowed, like the backend, which computes how far codes are from their source
     * @param threads to compare with
     */
    Verification(QuantizationPlan plan, Checkpoint artifact, Backend backend, int threads) {
        this.plan = plan;
        this.artifact = artifact;
        this.backend = backend;
        this.tasks = new BackgroundTasks("octavo-verify", threads);
        this.room = new Semaphore(comparisons(threads));
    }

    /** Modules that so many threads compare at once. */
    static int comparisons(int threads) {
        return Math.clamp((long) (threads * COMPARING_SHARE), 1, MOST_COMPARISONS);
    }

    /** Checks the structure, then begins to compare in the background. */
    void begin() {
        checkStructure();
        if (failures.isEmpty()) {
            plan.kept().forEach(action -> keptTasks.put(action, tasks.submit(() -> compareKept(action))));
            plan.quantized().forEach(action -> moduleTasks.put(action, tasks.submit(() -> compareModule(action))));
        }
    }

    /**
     * Waits for everything to be compared.
     *
     * @param afterTensor receives the source bytes of every tensor that was compared, in this thread
     */
    VerificationReport report(JobMonitor monitor, LongConsumer afterTensor) {
        int untouched = 0;
        int same = 0;
        for (var task : keptTasks.entrySet()) {
            Optional<String> difference = BackgroundTasks.await(task.getValue(), monitor);
            same += difference.isEmpty() ? 1 : 0;
            untouched += difference.isEmpty() && task.getKey().source() instanceof Numbers.Stored ? 1 : 0;
            difference.ifPresent(failures::add);
            afterTensor.accept(task.getKey().source().info().byteSize());
        }
        var errors = new ArrayList<ModuleError>();
        var absmaxes = new HashMap<String, Float>();
        for (var task : moduleTasks.entrySet()) {
            WeightComparison.Result compared = BackgroundTasks.await(task.getValue(), monitor);
            errors.add(compared.error());
            absmaxes.put(task.getKey().module(), compared.absmax());
            compared.failure().ifPresent(failures::add);
            compared.note().ifPresent(monitor::log);
            afterTensor.accept(task.getKey().source().info().byteSize());
        }
        moduleTasks.keySet().forEach(action -> checkWhole(action, absmaxes));
        checks.add(new Check("untouched tensors are bit-identical", same == keptTasks.size()));
        return new VerificationReport(failures.isEmpty(), untouched, errors, checks, failures);
    }

    private void checkStructure() {
        ObjectNode expected = plan.quantizationConfig(artifact.config().tree());
        boolean declared = artifact.config()
                .quantizationConfig()
                .map(written -> written.equals(expected))
                .orElse(false);
        check(
                "the config says what was asked for",
                declared,
                () -> "the written config says " + Label.of(artifact.config()).text()
                        + ", which is not what was asked for");
        // Types and shapes too: vLLM converts whatever type it finds, and looks for nothing that is missing.
        Set<TensorSpec> planned = new HashSet<>();
        plan.actions().forEach(action -> planned.addAll(action.outputs()));
        Set<TensorSpec> written = artifact.stored().values().stream()
                .map(stored -> stored.info().spec())
                .collect(Collectors.toSet());
        check(
                "no tensor is missing or surplus",
                planned.equals(written),
                () -> "the artifact holds " + written.size() + " tensors, not the " + planned.size()
                        + " that were planned, or one of another type or shape");
        if (failures.isEmpty()) {
            checkModules();
        }
    }

    /** Through the reader that everyone uses, which refuses scales that are not finite and positive. */
    private void checkModules() {
        stored = CompressedTensors.read(artifact);
        checks.add(new Check("scales are finite and positive", true));
        Set<String> modules =
                Set.copyOf(plan.quantized().stream().map(Quantize::module).toList());
        check(
                "the config applies to the quantized modules",
                stored.byName().keySet().equals(modules),
                () -> "the written config does not apply to exactly the modules that were quantized");
        if (failures.isEmpty()) {
            checkSharing();
            stored.kvCache().ifPresent(this::checkKvCache);
        }
    }

    private void checkSharing() {
        boolean shared = true;
        for (Quantize action : plan.quantized()) {
            for (String other : action.sharing()) {
                shared &= wholeScale(action.module()) == wholeScale(other);
            }
        }
        check("parts of fused layers share their scales", shared, () -> "parts of a fused layer have other scales");
    }

    /** The one scale of a weight comes from the largest number of all that share it. */
    private void checkWhole(Quantize action, Map<String, Float> absmaxes) {
        if (action.sharing().isEmpty()) {
            return;
        }
        float absmax = 0;
        for (String module : action.sharing()) {
            absmax = Math.max(absmax, absmaxes.getOrDefault(module, 0f));
        }
        StoredScales.requireWhole(action, absmax);
        float scale = wholeScale(action.module());
        if (!action.bounds().wholeFits(scale, absmax)) {
            failures.add("module " + action.module() + ": its scale " + scale
                    + " is not that of a largest magnitude of " + absmax);
        }
    }

    private float wholeScale(String module) {
        QuantizedWeight weight = stored.find(module).orElseThrow().weight();
        if (weight.quantization().granularity() instanceof Granularity.PerTensor) {
            float[] scale = new float[1];
            weight.readScales(0, 1, scale);
            return scale[0];
        }
        return weight.globalScale();
    }

    /** A cache of 1.0 everywhere, or of one number everywhere, is what a quantizer writes that measured nothing. */
    private void checkKvCache(KvCacheScales scales) {
        Set<Float> distinct = new HashSet<>();
        int count = 0;
        for (KvCacheScales.Layer layer : scales.byLayer().values()) {
            distinct.addAll(layer.keys());
            distinct.addAll(layer.values());
            count += 2;
        }
        int tensors = count;
        check(
                "the KV cache has two scales a layer",
                tensors == 2 * plan.kvScales().size(),
                () -> "the KV cache has " + tensors + " scales for "
                        + plan.kvScales().size() + " layers");
        check(
                "scales of the KV cache were measured",
                distinct.size() > 1 && !distinct.contains(1f),
                () -> "scales of the KV cache are " + distinct);
    }

    private void check(String name, boolean passed, Supplier<String> failure) {
        checks.add(new Check(name, passed));
        if (!passed) {
            failures.add(failure.get());
        }
    }

    private WeightComparison.Result compareModule(Quantize action) throws InterruptedException {
        room.acquire();
        try {
            WeightComparison free = idle.poll();
            WeightComparison comparison = free == null ? new WeightComparison(backend, plan, artifact) : free;
            try {
                QuantizedWeight weight =
                        stored.find(action.module()).orElseThrow().weight();
                return comparison
                        .compare(action, weight)
                        .orFailure(() -> action.source()
                                .solved()
                                .flatMap(codes -> new SolvedComparison(action, codes, artifact, weight).difference()));
            } finally {
                idle.add(comparison);
            }
        } finally {
            room.release();
        }
    }

    private Optional<String> compareKept(Keep action) {
        String name = action.source().info().name();
        return action.source().equalTo(storedTensor(name))
                ? Optional.empty()
                : Optional.of("tensor " + name + " differs from what it is made of");
    }

    private StoredTensor storedTensor(String name) {
        StoredTensor tensor = artifact.stored().get(name);
        if (tensor == null) {
            throw new IllegalStateException("the artifact lost tensor " + name);
        }
        return tensor;
    }

    /** Ends what is still being compared. */
    @Override
    public void close() {
        tasks.close();
        idle.forEach(WeightComparison::close);
    }
}
