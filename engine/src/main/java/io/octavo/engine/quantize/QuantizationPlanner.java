package io.octavo.engine.quantize;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.Checkpoint.StoredTensor;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.loader.ModuleAgreement;
import io.octavo.engine.loader.SchemeFit;
import io.octavo.engine.module.ModulePattern;
import io.octavo.engine.module.ModuleRole;
import io.octavo.engine.quantize.QuantizationPlan.Keep;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.quantize.QuantizationPlan.Step;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/** Decides for every tensor whether it is quantized, and refuses checkpoints and requests that cannot work. */
final class QuantizationPlanner {

    /** Listed even where it is tied to the embedding and not stored: loaders create it, and would quantize it. */
    private static final String OUTPUT_HEAD = "lm_head";

    private static final Set<DType> WEIGHT_DTYPES = Set.of(DType.BF16, DType.F16, DType.F32);

    /**
     * Every other matrix that is kept is listed, because some loader may take it for a Linear; of this name none does, and
     * a list of the head alone is what users of Llama-like models know.
     */
    private static final String KNOWN_EMBEDDING = "embed_tokens";

    /** Files that other quantizers leave beside weights which config.json does not mention. */
    private static final List<String> FOREIGN_CONFIGS =
            List.of("hf_quant_config.json", "quantize_config.json", "quant_config.json");

    /** A row is quantized in one piece, so it must fit a buffer. */
    private static final long MAX_ROW_BYTES = 1L << 30;

    private static final int MAX_REGEXES = 64;

    private final Checkpoint checkpoint;
    private final ModuleSchemes schemes;
    private final List<ModulePattern> ignored;
    private final SchemeFit fit;
    private final Set<String> ignoreList = new TreeSet<>(Set.of(OUTPUT_HEAD));
    private final Set<String> leftByRequest = new TreeSet<>();

    QuantizationPlanner(Checkpoint checkpoint, ModuleSchemes schemes, List<String> ignore) {
        this.checkpoint = checkpoint;
        this.schemes = schemes;
        this.fit = new SchemeFit(schemes.layout(), checkpoint.config().tree());
        this.ignored = ignore.stream()
                .map(text -> ModulePattern.parse(text, ErrorCode.IGNORE_INVALID))
                .toList();
    }

    QuantizationPlan plan() {
        requireUnquantized();
        if (checkpoint.config().architectures().isEmpty()) {
            throw new QuantizationException(
                    ErrorCode.ARCHITECTURE_MISSING, "config.json names no architectures; loaders need one");
        }
        requireIgnoredModulesExist();
        requireOverriddenModulesExist();
        var steps = new ArrayList<Step>();
        for (StoredTensor tensor : checkpoint.stored().values()) {
            steps.add(step(tensor));
        }
        schemes.kvCache().ifPresent(cache -> steps.addAll(KvScalesPlanner.plan(checkpoint, cache, steps)));
        var plan = new QuantizationPlan(schemes, steps, List.copyOf(ignoreList));
        if (plan.quantized().isEmpty()) {
            throw new QuantizationException(
                    ErrorCode.NOTHING_TO_QUANTIZE,
                    "none of the checkpoint's " + steps.size() + " tensors is the weight of a Linear to quantize");
        }
        requireLoadersAgree(plan);
        return new QuantizationPlan(schemes, shareScales(steps), plan.ignore());
    }

    private void requireOverriddenModulesExist() {
        for (ModuleSchemes.ModuleScheme override : schemes.overrides()) {
            for (ModulePattern target : override.targets()) {
                boolean found = checkpoint.names().stream()
                        .filter(name -> name.endsWith(CompressedTensors.WEIGHT_SUFFIX))
                        .map(name -> name.substring(0, name.length() - CompressedTensors.WEIGHT_SUFFIX.length()))
                        .anyMatch(target::matches);
                if (!found) {
                    throw new QuantizationException(
                            ErrorCode.IGNORE_INVALID,
                            "override target " + target.text() + " matches no module of the checkpoint");
                }
            }
        }
    }

    /** Where a loader keeps one scale for a fused layer, its parts are given one. */
    private static List<Step> shareScales(List<Step> steps) {
        Set<String> modules = new TreeSet<>();
        for (Step step : steps) {
            if (step instanceof Quantize quantize) {
                modules.add(quantize.module());
            }
        }
        return steps.stream()
                .map(step -> step instanceof Quantize quantize ? sharing(quantize, modules) : step)
                .toList();
    }

    private static Step sharing(Quantize step, Set<String> modules) {
        Granularity granularity = step.scheme().weights().granularity();
        if (!(granularity instanceof Granularity.PerTensor) && !(granularity instanceof Granularity.PerTensorGroup)) {
            return step;
        }
        List<String> parts = ModuleRole.fusedWith(step.module()).stream()
                .filter(modules::contains)
                .toList();
        return step.sharingWith(parts.isEmpty() ? List.of(step.module()) : parts);
    }

    private void requireUnquantized() {
        JsonNode config = checkpoint.config().tree();
        Optional<String> trace = Optional.empty();
        if (checkpoint.config().quantizationConfig().isPresent()
                || config.path("text_config").hasNonNull("quantization_config")) {
            trace = Optional.of("config.json has a quantization_config");
        } else if (config.hasNonNull("compression_config")) {
            trace = Optional.of("config.json has a compression_config");
        }
        trace = trace.or(() -> FOREIGN_CONFIGS.stream()
                        .filter(checkpoint::hasFile)
                        .map(name -> "there is a " + name)
                        .findFirst())
                .or(() -> CompressedTensors.quantizedTensor(checkpoint).map(name -> "there is a tensor " + name));
        if (trace.isPresent()) {
            throw new QuantizationException(
                    ErrorCode.ALREADY_QUANTIZED, "the source is quantized already: " + trace.get());
        }
    }

    private void requireIgnoredModulesExist() {
        if (ignored.stream().filter(ModulePattern.Regex.class::isInstance).count() > MAX_REGEXES) {
            throw new QuantizationException(
                    ErrorCode.IGNORE_INVALID, "more than " + MAX_REGEXES + " regular expressions to ignore by");
        }
        if (ignored.isEmpty()) {
            return;
        }
        Set<String> modules = new TreeSet<>(Set.of(OUTPUT_HEAD));
        for (String tensor : checkpoint.names()) {
            modules.add(tensor.substring(0, Math.max(tensor.lastIndexOf('.'), 0)));
        }
        for (ModulePattern pattern : ignored) {
            boolean found = pattern instanceof ModulePattern.Exact
                    ? modules.contains(pattern.text())
                    : modules.stream().anyMatch(pattern::matches);
            if (!found) {
                throw new QuantizationException(
                        ErrorCode.IGNORE_INVALID, "ignore " + pattern.text() + " matches no module of the checkpoint");
            }
        }
    }

    private Step step(StoredTensor source) {
        TensorInfo tensor = source.info();
        if (!tensor.name().endsWith(CompressedTensors.WEIGHT_SUFFIX)) {
            return new Keep(new Numbers.Stored(source), "no weight of a Linear");
        }
        String module = tensor.name().substring(0, tensor.name().length() - CompressedTensors.WEIGHT_SUFFIX.length());
        ModuleRole role =
                ModuleRole.of(module, tensor.shape(), checkpoint.config().tree());
        boolean byRequest = ignored.stream().anyMatch(pattern -> pattern.matches(module));
        if (!role.isQuantized() || byRequest) {
            if (tensor.shape().size() == 2 && !module.endsWith(KNOWN_EMBEDDING)) {
                ignoreList.add(module);
            }
            if (role.isQuantized()) {
                leftByRequest.add(module);
            }
            return new Keep(new Numbers.Stored(source), role.isQuantized() ? "ignored by request" : role.reason());
        }
        if (tensor.byteSize() == 0) {
            ignoreList.add(module);
            return new Keep(new Numbers.Stored(source), "has no elements");
        }
        requireQuantizable(tensor);
        Scheme scheme = schemes.schemeOf(module);
        fit.require(module, scheme, tensor);
        return new Quantize(module, scheme, new Numbers.Stored(source));
    }

    private static void requireQuantizable(TensorInfo tensor) {
        if (!WEIGHT_DTYPES.contains(tensor.dtype())) {
            throw new QuantizationException(
                    ErrorCode.TENSOR_DTYPE_UNSUPPORTED,
                    "tensor " + tensor.name() + ": " + tensor.dtype() + " cannot be quantized; allowed: "
                            + new TreeSet<>(WEIGHT_DTYPES));
        }
        long rowBytes = tensor.shape().getLast() * tensor.dtype().bytes();
        if (rowBytes > MAX_ROW_BYTES) {
            throw new QuantizationException(
                    ErrorCode.SCHEME_UNSUITABLE,
                    "tensor " + tensor.name() + ": inFeatures " + tensor.shape().getLast() + " make rows of " + rowBytes
                            + " bytes; at most " + MAX_ROW_BYTES + " are allowed");
        }
    }

    private void requireLoadersAgree(QuantizationPlan plan) {
        var byModule = new LinkedHashMap<String, Scheme>();
        plan.quantized().forEach(step -> byModule.put(step.module(), step.scheme()));
        new ModuleAgreement(byModule, leftByRequest).require();
        ModuleAgreement.requireNotPassedOver(
                schemes.layout(),
                byModule.keySet(),
                plan.listed(checkpoint.config().tree()));
    }
}
