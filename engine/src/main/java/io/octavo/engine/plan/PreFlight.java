package io.octavo.engine.plan;

import io.octavo.engine.calibrate.CalibrationMemory;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.convert.Converter;
import io.octavo.engine.dataset.Datasets;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.LayerSpec;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.plan.PlanReport.Execution;
import io.octavo.engine.plan.PlanReport.ModuleGroup;
import io.octavo.engine.plan.PlanReport.Resources;
import io.octavo.engine.quantize.ModuleSchemes;
import io.octavo.engine.quantize.QuantizationPlan;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.Scheme;
import io.octavo.engine.sensitivity.MixedPrecision;
import io.octavo.engine.tokenizer.Tokenizer;
import io.octavo.kernels.number.DType;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Looks before a job leaps: a checkpoint's headers and config, as {@link Checkpoint#ofHeaders} reads them, suffice. */
public final class PreFlight {

    /** Code of warnings about how a source is stored, which the work logs itself. */
    public static final String NOTES = "index-names-missing-tensor";

    /** The JVM, its code and its heap at rest. */
    private static final long PROCESS_BYTES = 512L << 20;

    /** Names, shapes and plan of a tensor. */
    private static final long BYTES_PER_TENSOR = 2048;

    /** Pieces of a tensor on their way: source, codes and scales of three at a time, and one being checked. */
    private static final long PIECES = 8;

    /** Of a machine with a GPU, at least; with fewer, fewer pieces are on the device. */
    static final int DEVICE_THREADS = 16;

    /** Bytes of source a second on two processor threads, checks and hashes included; see docs/benchmarks.md. */
    private static final double BYTES_A_SECOND = 400e6;

    private static final double START_SECONDS = 1;

    private PreFlight() {}

    /** @throws QuantizationException if the recipe cannot work, whatever the source */
    public static void requireSound(Recipe recipe) {
        Quantizer.schemes(recipe);
    }

    /**
     * @throws QuantizationException if the recipe cannot work, with what the quantization itself would say
     */
    public static PlanReport quantization(Checkpoint checkpoint, Recipe recipe) {
        QuantizationPlan plan = Quantizer.plan(checkpoint, recipe);
        Scheme scheme = plan.schemes().scheme();
        Label label = Label.of(scheme);
        JsonNode config = checkpoint.config().tree();
        List<ModuleGroup> modules = ModuleGroups.of(plan);
        return new PlanReport(
                label.text(),
                label.executions().stream()
                        .map(execution -> new Execution(execution.gpu(), execution.runsAs()))
                        .toList(),
                plan.quantized().size(),
                plan.kept().size(),
                plan.weightBits(),
                plan.inputBytes(),
                plan.outputBytes(),
                plan.outputFiles(),
                modules,
                resources(checkpoint, plan, recipe),
                new ParallelSplit(config, modules, plan.schemes().layout()).report(),
                PlanWarnings.of(checkpoint, plan.schemes(), label, modules, recipe));
    }

    private static Resources resources(Checkpoint checkpoint, QuantizationPlan plan, Recipe recipe) {
        long piece = Quantizer.CHUNK_BYTES;
        for (QuantizationPlan.Quantize action : plan.quantized()) {
            piece = Math.max(
                    piece, action.inFeatures() * action.source().info().dtype().bytes());
        }
        CalibrationMemory calibration = calibration(checkpoint, plan, recipe, DType.BF16);
        return new Resources(
                PROCESS_BYTES
                        + Math.max(PIECES * piece, calibration.hostBytes())
                        + plan.actions().size() * BYTES_PER_TENSOR,
                deviceBytes(plan, calibration),
                plan.inputBytes() + plan.outputBytes() + spilledBytes(checkpoint, plan, recipe),
                START_SECONDS + plan.inputBytes() / BYTES_A_SECOND);
    }

    /** Of large buffers that a processor keeps in files, at most; nothing if none is large. */
    private static long spilledBytes(Checkpoint checkpoint, QuantizationPlan plan, Recipe recipe) {
        long bytes = calibration(checkpoint, plan, recipe, DType.F32).deviceBytes();
        return bytes >= CalibrationMemory.SPILLED_BYTES ? bytes : 0;
    }

    /** The layers of a calibration are gone before pieces of tensors are on their way. */
    static long deviceBytes(QuantizationPlan plan, CalibrationMemory calibration) {
        return Math.max(Quantizer.deviceBytes(plan, DEVICE_THREADS), calibration.deviceBytes());
    }

    /**
     * What running the model on data takes; nothing where no data is needed.
     *
     * @param productInput of the backend
     */
    static CalibrationMemory calibration(
            Checkpoint checkpoint, QuantizationPlan plan, Recipe recipe, DType productInput) {
        boolean chooses = recipe.budget().isPresent();
        if (recipe.calibration().isEmpty() || !(plan.schemes().needsCalibration() || chooses)) {
            return CalibrationMemory.NONE;
        }
        ModelSpec spec = Architectures.read(checkpoint.config().tree());
        var run =
                new CalibrationMemory.Run(checkpoint, spec, recipe.calibration().get(), productInput);
        CalibrationMemory observing =
                CalibrationMemory.ofObserving(run, plan.schemes().weighed(spec));
        CalibrationMemory before = chooses ? observing.or(MixedPrecision.memory(run)) : observing;
        return plan.schemes()
                .solver()
                .map(gptq ->
                        CalibrationMemory.ofSolving(run, gptq, plan.solvable()).or(before))
                .orElse(before);
    }

    /**
     * Tensor bytes that a conversion writes at least: codes and what is not quantized stay as they are; scales, zero points
     * and the order of groups take more or less in another layout, or nothing.
     *
     * @throws QuantizationException if there is nothing to convert, or no such layout
     */
    public static long conversion(Checkpoint checkpoint, String layout) {
        Converter.requireConvertible(checkpoint, Layout.named(layout));
        return checkpoint.stored().values().stream()
                .map(Checkpoint.StoredTensor::info)
                .filter(tensor -> !QuantizationParameters.besideCodes(tensor.name()))
                .mapToLong(TensorInfo::byteSize)
                .sum();
    }

    /**
     * Whether what a recipe is to make can be converted then, as far as that can be told before it is made.
     *
     * @param from the layout that it has by then
     * @throws QuantizationException if not
     */
    public static void requireConvertible(Recipe made, String from, String layout) {
        ModuleSchemes schemes = Quantizer.schemes(made);
        Converter.requireConvertible(Layout.named(from), schemes.scheme(), schemes.kvCache(), Layout.named(layout));
    }

    /**
     * The same of a checkpoint that is there, and that is converted first.
     *
     * @throws QuantizationException if not
     */
    public static void requireConvertible(Checkpoint source, String from, String layout) {
        Converter.requireConvertible(source, Layout.named(from), Layout.named(layout));
    }

    /**
     * Whether a file can be data to calibrate or to evaluate on, as far as its beginning tells.
     *
     * @param name as the reader is told it
     * @param head its first bytes, or all of them
     * @return how many texts it holds, or may hold where not all of it is there
     * @throws QuantizationException {@code DATASET_INVALID} if not
     */
    public static long requireText(String name, long size, byte[] head) {
        return Datasets.requireText(name, size, head);
    }

    /** @throws QuantizationException if the checkpoint cannot be run */
    public static EvaluationPlan evaluation(Checkpoint checkpoint) {
        Label label = Label.of(checkpoint);
        if (QuantizedLayouts.config(checkpoint).isPresent()
                && QuantizedLayouts.layout(checkpoint).isEmpty()) {
            throw new QuantizationException(
                    ErrorCode.QUANTIZATION_UNSUPPORTED, "the checkpoint's quantization is " + label.text());
        }
        ModelSpec spec = Architectures.read(checkpoint.config().tree());
        List<LayerSpec> layers = spec.layers();
        String last = layers.getLast().name() + ".";
        if (checkpoint.names().stream().noneMatch(name -> name.startsWith(last))) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_TENSOR_MISSING,
                    "config.json: num_hidden_layers is " + layers.size() + ", but no tensor begins with " + last);
        }
        if (!checkpoint.hasFile(Tokenizer.FILE_NAME)) {
            throw new QuantizationException(
                    ErrorCode.TOKENIZER_MISSING, "the checkpoint has no " + Tokenizer.FILE_NAME);
        }
        long bytes = checkpoint.stored().values().stream()
                .map(Checkpoint.StoredTensor::info)
                .mapToLong(TensorInfo::byteSize)
                .sum();
        return new EvaluationPlan(
                label.text(),
                checkpoint.config().architectures().getFirst(),
                bytes,
                spec.vocabularySize(),
                spec.maxPositions());
    }
}
