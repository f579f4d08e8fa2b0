package io.octavo.engine.loader;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.layout.config.CompressedFormat;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.module.FusedExperts;
import io.octavo.engine.module.ModulePattern;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * Which loaders take experts, by how they are stored: the one table that plans, labels and docs/schemes.md go by. Both
 * loaders join the experts of a layer into one module, for which they have fewer ways than for a Linear.
 */
public final class ExpertLoaders {

    /** What transformers makes of them: it expands each one before it joins them. */
    private enum Expanded {
        RIGHT(""),
        REFUSED("transformers cannot load experts that are stored so; vLLM can"),
        MISREAD("transformers reads experts that are stored so without their global scales, as garbage and without an"
                + " error; vLLM reads them right");

        private final String warning;

        Expanded(String warning) {
            this.warning = warning;
        }
    }

    /**
     * Why vLLM takes no experts.
     *
     * @param code of the failure, where it is known while planning
     * @param why what it is about them, and what to choose instead
     */
    public record Refusal(ErrorCode code, String why) {}

    /** What the first expert's parts are called in one family or another. */
    private static final List<String> MODELS =
            List.of("model.", "model.language_model.", "language_model.model.", "backbone.");

    private static final List<String> BLOCKS = List.of("mlp", "block_sparse_moe", "feed_forward", "mixer");
    private static final List<String> PARTS = List.of("gate_proj", "up_proj", "w1");
    private static final Pattern FIRST_EXPERT =
            Pattern.compile(".*layers\\.([0-9]{1,6})\\.[^.]+\\.experts\\.0\\.[^.]+");

    private ExpertLoaders() {}

    /** Why vLLM does not run experts that are stored so; empty where it does. */
    public static Optional<Refusal> refusedByVllm(Layout layout, Quantization weights, Optional<Quantization> inputs) {
        boolean float8 = weights.type() == NumberType.FloatType.E4M3;
        boolean perChannel = weights.granularity() instanceof Granularity.PerChannel;
        if (float8 && inputs.isEmpty()) {
            return unsuitable("has 16-bit inputs beside 8-bit floats; choose FP8_DYNAMIC, or W8A16_CHANNEL");
        }
        if (inputs.filter(input -> input.type() instanceof NumberType.IntType && !input.dynamic())
                .isPresent()) {
            return unsuitable("stores the scales of INT8 inputs; choose W8A8");
        }
        if (layout == Layout.COMPRESSED_TENSORS
                && weights.type() instanceof NumberType.IntType
                && weights.granularity() instanceof Granularity.PerGroup
                && weights.type().bits() == Byte.SIZE) {
            return unsuitable("has 8-bit integers in groups; choose W8A16_CHANNEL, or layout gptq for this one");
        }
        if (layout == Layout.AWQ && perChannel) {
            return Optional.of(new Refusal(
                    ErrorCode.LAYOUT_UNSUITABLE,
                    "has a scale a channel, and vLLM reads experts of layout awq in groups alone; choose a scheme with"
                            + " groups, or another layout"));
        }
        if (layout == Layout.MODELOPT && float8 && perChannel) {
            return Optional.of(new Refusal(
                    ErrorCode.LAYOUT_UNSUITABLE,
                    "has a scale a channel, and vLLM reads experts of layout modelopt with one scale a tensor; choose"
                            + " FP8, or layout compressed-tensors"));
        }
        return Optional.empty();
    }

    private static Optional<Refusal> unsuitable(String why) {
        return Optional.of(new Refusal(
                ErrorCode.SCHEME_UNSUITABLE,
                why + ", give experts another scheme by overrides, or ignore all of them"));
    }

    /**
     * What transformers does wrong with experts that are stored so; empty where it reads them.
     *
     * @param config the root of config.json
     */
    public static Optional<String> lostInTransformers(
            Layout layout, Quantization weights, Optional<Quantization> inputs, JsonNode config) {
        // Models of other families hold a Linear for each expert, and other layouts are read by other packages.
        if (layout != Layout.COMPRESSED_TENSORS || !FusedExperts.joinedByTransformers(config)) {
            return Optional.empty();
        }
        return Optional.of(expanded(weights, inputs).warning).filter(warning -> !warning.isEmpty());
    }

    /**
     * What transformers does wrong with experts of several layers that are stored in several ways; empty where it reads them.
     * vLLM asks for the scheme of each layer's.
     *
     * @param experts the groups that hold any
     * @param config the root of config.json
     */
    public static Optional<String> mixedInTransformers(
            Layout layout, List<Declaration.Group> experts, JsonNode config) {
        long ways = experts.stream()
                .map(group -> group.format().spelling() + group.weights().type())
                .distinct()
                .count();
        return ways < 2 || layout != Layout.COMPRESSED_TENSORS || !FusedExperts.joinedByTransformers(config)
                ? Optional.empty()
                : Optional.of(
                        "experts of several layers are stored differently: vLLM reads each layer right, transformers"
                                + " reads all of them as the first; where only bits differ it does so without an error");
    }

    private static Expanded expanded(Quantization weights, Optional<Quantization> inputs) {
        return switch (CompressedFormat.of(weights, inputs)) {
            case FLOAT_QUANTIZED, NAIVE_QUANTIZED ->
                weights.granularity() instanceof Granularity.PerBlock ? Expanded.REFUSED : Expanded.RIGHT;
            case PACK_QUANTIZED -> weights.symmetric() ? Expanded.RIGHT : Expanded.REFUSED;
            case MXFP4 -> Expanded.RIGHT;
            case NVFP4 -> Expanded.MISREAD;
            case INT_QUANTIZED, MXFP8 -> Expanded.REFUSED;
        };
    }

    /** Whether a group of a config is that of the model's experts, as far as the config alone tells. */
    public static boolean areOf(Declaration.Group group, Declaration declared, JsonNode config) {
        if (!FusedExperts.areExpected(config) || names(declared.ignore(), config)) {
            return false;
        }
        return group.targetsEveryLinear() || names(group.targets(), config);
    }

    /** Whether some of these name experts of a decoder layer. */
    private static boolean names(List<ModulePattern> patterns, JsonNode config) {
        JsonNode text = config.path("text_config").isObject() ? config.path("text_config") : config;
        int layers = text.path("num_hidden_layers").asInt(0);
        List<String> last = MODELS.stream()
                .flatMap(model -> BLOCKS.stream().map(block -> model + "layers." + (layers - 1) + "." + block))
                .flatMap(block -> PARTS.stream().map(part -> block + ".experts.0." + part))
                .toList();
        return patterns.stream().anyMatch(pattern -> switch (pattern) {
            case ModulePattern.Exact exact -> {
                Matcher first = FIRST_EXPERT.matcher(exact.text());
                yield first.matches() && Integer.parseInt(first.group(1)) < layers;
            }
            case ModulePattern.Regex regex -> last.stream().anyMatch(regex::matches);
        });
    }

    /** What to know of a group that is that of experts, whichever loader it concerns. */
    public static Stream<String> warnings(Layout layout, Declaration.Group group, JsonNode config) {
        Stream<String> vllm = refusedByVllm(layout, group.weights(), group.inputs()).stream()
                .map(refusal -> "vLLM does not load these experts: what they are stored as " + refusal.why());
        return Stream.concat(vllm, lostInTransformers(layout, group.weights(), group.inputs(), config).stream());
    }
}
