package io.octavo.engine.label;

import static io.octavo.engine.label.LenientJson.integer;
import static io.octavo.engine.label.LenientJson.shown;
import static io.octavo.engine.label.LenientJson.text;

import io.octavo.engine.label.DeclaredNumbers.Family;
import io.octavo.engine.label.DeclaredNumbers.Timing;
import io.octavo.engine.scheme.Granularity;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads what compressed-tensors declares: config groups with QuantizationArgs for weights and inputs. */
final class CompressedTensorsDeclaration {

    private static final int NVFP4_GROUP = 16;
    private static final int MX_GROUP = 32;
    private static final Set<Integer> MARLIN_GROUPS = Set.of(32, 64, 128);

    private final Declaration.Builder declared = new Declaration.Builder();

    static Declaration read(JsonNode config) {
        return new CompressedTensorsDeclaration().readAll(config);
    }

    private Declaration readAll(JsonNode config) {
        JsonNode groups = config.path("config_groups");
        for (String name : groups.propertyNames()) {
            Optional<DeclaredGroup> group = group(name, groups.path(name));
            if (group.isEmpty()) {
                return Declaration.unknown("compressed-tensors: config_groups." + shorten(name));
            }
            declared.add(group.get());
        }
        kvCache(config.path("kv_cache_scheme"));
        Declaration result = declared.build();
        if (result.groups().isEmpty() && result.kvCache().isEmpty()) {
            return Declaration.unknown("compressed-tensors without config_groups");
        }
        if (!text(config, "quantization_status").equals(Optional.of("compressed"))) {
            declared.warn("quantization_status is " + shown(config.path("quantization_status"))
                    + "; transformers runs garbage without an error unless it is \"compressed\"");
        }
        return declared.build();
    }

    private Optional<DeclaredGroup> group(String name, JsonNode group) {
        Optional<DeclaredNumbers> weights = numbers(group.path("weights"));
        JsonNode declaredInputs = group.path("input_activations");
        boolean hasInputs = declaredInputs.isObject();
        Optional<DeclaredNumbers> inputs = numbers(declaredInputs);
        if (weights.isEmpty() || weights.get().timing() != Timing.STORED || (hasInputs && inputs.isEmpty())) {
            return Optional.empty();
        }
        DeclaredNumbers stored = weights.get();
        LoaderPath path = path(stored, inputs);
        if (path == null) {
            declared.warn("config_groups." + shorten(name) + ": no loader is known to run weights "
                    + stored.description()
                    + inputs.map(numbers -> " with inputs " + numbers.description())
                            .orElse(""));
        }
        if (path == LoaderPath.WEIGHT_ONLY
                && stored.family() == Family.INT
                && stored.granularity() instanceof Granularity.PerGroup perGroup
                && !MARLIN_GROUPS.contains(perGroup.size())) {
            declared.warn("groups of " + perGroup.size()
                    + " have no Marlin kernel; it takes groups of 32, 64 or 128, or whole channels");
        }
        if (text(group.path("weights"), "actorder").filter("group"::equals).isPresent()) {
            declared.warn("actorder is \"group\": slower kernels, and tensor-parallel row shards cannot split groups");
        }
        List<String> targets = LenientJson.texts(group.path("targets"));
        return Optional.of(new DeclaredGroup(name, targets, stored, inputs, path));
    }

    private static Optional<DeclaredNumbers> numbers(JsonNode args) {
        Optional<Integer> bits = integer(args, "num_bits");
        Optional<String> type = text(args, "type");
        Optional<Granularity> granularity = granularity(args);
        Optional<Timing> timing = timing(args.path("dynamic"));
        if (bits.isEmpty() || type.isEmpty() || granularity.isEmpty() || timing.isEmpty()) {
            return Optional.empty();
        }
        return family(type.get(), bits.get(), granularity.get(), args)
                .map(family -> new DeclaredNumbers(
                        family,
                        bits.get(),
                        granularity.get(),
                        LenientJson.flag(args, "symmetric", true),
                        timing.get()));
    }

    private static Optional<Family> family(String type, int bits, Granularity granularity, JsonNode args) {
        if (type.equals("int")) {
            return bits >= 2 && bits <= 8 ? Optional.of(Family.INT) : Optional.empty();
        }
        if (!type.equals("float")) {
            return Optional.empty();
        }
        boolean mxGroups = granularity.equals(new Granularity.PerGroup(MX_GROUP))
                && text(args, "scale_dtype").filter("torch.uint8"::equals).isPresent();
        if (bits == 8) {
            return Optional.of(mxGroups ? Family.MXFP8 : Family.FP8);
        }
        if (bits == 4 && granularity.equals(new Granularity.PerTensorGroup(NVFP4_GROUP))) {
            return Optional.of(Family.NVFP4);
        }
        return bits == 4 && mxGroups ? Optional.of(Family.MXFP4) : Optional.empty();
    }

    private static Optional<Timing> timing(JsonNode dynamic) {
        if (dynamic.isMissingNode() || dynamic.isNull()) {
            return Optional.of(Timing.STORED);
        }
        if (dynamic.isBoolean()) {
            return Optional.of(dynamic.booleanValue() ? Timing.DYNAMIC : Timing.STORED);
        }
        return dynamic.asString("").equals("local") ? Optional.of(Timing.LOCAL) : Optional.empty();
    }

    private static Optional<Granularity> granularity(JsonNode args) {
        Optional<Integer> group = integer(args, "group_size");
        // Without a strategy, the reference tool takes a group size for groups and its absence for one scale.
        String strategy = text(args, "strategy").orElse(group.isPresent() ? "group" : "tensor");
        return switch (strategy) {
            case "tensor" -> Optional.of(new Granularity.PerTensor());
            case "channel" -> Optional.of(new Granularity.PerChannel());
            case "token" -> Optional.of(new Granularity.PerToken());
            case "group" -> group.filter(size -> size > 0).map(Granularity.PerGroup::new);
            case "tensor_group" -> group.filter(size -> size > 0).map(Granularity.PerTensorGroup::new);
            case "block" -> block(args.path("block_structure"));
            default -> Optional.empty();
        };
    }

    static Optional<Granularity> block(JsonNode sizes) {
        boolean valid = sizes.isArray()
                && sizes.size() == 2
                && sizes.valueStream().allMatch(size -> size.isInt() && size.intValue() > 0);
        return valid
                ? Optional.of(new Granularity.PerBlock(
                        sizes.get(0).intValue(), sizes.get(1).intValue()))
                : Optional.empty();
    }

    private static @Nullable LoaderPath path(DeclaredNumbers weights, Optional<DeclaredNumbers> inputs) {
        return inputs.isEmpty() ? weightOnly(weights) : withInputs(weights, inputs.get());
    }

    private static @Nullable LoaderPath weightOnly(DeclaredNumbers weights) {
        return switch (weights.family()) {
            case INT -> weights.bits() == 4 || weights.bits() == 8 ? LoaderPath.WEIGHT_ONLY : null;
            case FP8 -> weights.granularity() instanceof Granularity.PerGroup ? null : LoaderPath.FP8_WEIGHT_ONLY;
            case NVFP4 -> LoaderPath.WEIGHT_ONLY;
            case MXFP4 -> LoaderPath.MXFP4_WEIGHT_ONLY;
            case MXFP8 -> null;
        };
    }

    private static @Nullable LoaderPath withInputs(DeclaredNumbers weights, DeclaredNumbers inputs) {
        boolean alike = weights.family() == inputs.family() && weights.bits() == inputs.bits();
        boolean wholeRows = weights.granularity() instanceof Granularity.PerTensor
                || weights.granularity() instanceof Granularity.PerChannel;
        boolean dynamicTokens =
                inputs.timing() == Timing.DYNAMIC && inputs.granularity() instanceof Granularity.PerToken;
        boolean staticTensor =
                inputs.timing() == Timing.STORED && inputs.granularity() instanceof Granularity.PerTensor;
        boolean inputsKnown = dynamicTokens || staticTensor;
        return switch (weights.family()) {
            case FP8 -> {
                if (alike && weights.granularity() instanceof Granularity.PerBlock) {
                    yield inputs.granularity() instanceof Granularity.PerGroup ? LoaderPath.FP8_BLOCK : null;
                }
                yield alike && wholeRows && inputsKnown && inputs.symmetric() ? LoaderPath.FP8 : null;
            }
            case INT -> {
                if (weights.bits() == 4 && inputs.family() == Family.FP8) {
                    yield weights.symmetric() && dynamicTokens ? LoaderPath.INT4_FP8 : null;
                }
                boolean int8 = alike && weights.bits() == 8 && weights.symmetric();
                yield int8 && wholeRows && inputsKnown ? LoaderPath.INT8 : null;
            }
            case NVFP4 -> alike && inputs.timing() == Timing.LOCAL ? LoaderPath.NVFP4 : null;
            case MXFP4 -> alike && inputs.timing() == Timing.DYNAMIC ? LoaderPath.MXFP4 : null;
            case MXFP8 -> alike && inputs.timing() == Timing.DYNAMIC ? LoaderPath.MXFP8 : null;
        };
    }

    private void kvCache(JsonNode scheme) {
        if (!scheme.isObject()) {
            return;
        }
        int bits = integer(scheme, "num_bits").orElse(0);
        String type = text(scheme, "type").orElse("");
        String strategy = text(scheme, "strategy").orElse("tensor");
        boolean fp8 = bits == 8 && type.equals("float");
        declared.kvCache(new DeclaredKvCache(
                fp8 ? "FP8" : (type.equals("int") ? "INT" : type) + bits,
                bits,
                strategy.equals("attn_head") ? "per head" : "per " + strategy));
        boolean loads = fp8
                && LenientJson.flag(scheme, "symmetric", true)
                && (strategy.equals("tensor") || strategy.equals("attn_head"));
        if (!loads) {
            declared.warn("kv_cache_scheme: vLLM takes symmetric 8-bit floats per tensor or per head only");
        }
    }

    private static String shorten(String name) {
        return name.length() > 40 ? name.substring(0, 40) + "…" : name;
    }
}
