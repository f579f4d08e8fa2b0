package io.octavo.engine.layout.config;

import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The object that compressed-tensors calls QuantizationArgs. Its readers refuse unknown keys, and so does this one.
 *
 * @param path where the object stands, for messages
 */
public record QuantizationArgs(ConfigObject object, String path) {

    private static final Set<String> KEYS = Set.of(
            "actorder",
            "block_structure",
            "dynamic",
            "group_size",
            "num_bits",
            "observer",
            "observer_kwargs",
            "scale_dtype",
            "strategy",
            "symmetric",
            "type",
            "zp_dtype");

    private static final Set<String> FLOAT_SCALES = Set.of("torch.bfloat16", "torch.float16", "torch.float32");
    private static final String E4M3_SCALES = "torch.float8_e4m3fn";
    private static final String E8M0_SCALES = "torch.uint8";

    /** How the library spells that only a tensor's global scale is stored. */
    private static final String LOCAL = "local";

    /** A group size that says the same as a scale a channel. */
    static final int WHOLE_ROW = -1;

    static QuantizationArgs of(JsonNode node, String path, Reading reading) {
        return new QuantizationArgs(ConfigObject.of(node, path, reading, KEYS), path);
    }

    public static ObjectNode write(Quantization quantization, String observer) {
        ObjectNode args = JsonNodeFactory.instance.objectNode();
        args.putNull("actorder");
        args.putNull("block_structure");
        boolean local = quantization.dynamic() && quantization.granularity() instanceof Granularity.PerTensorGroup;
        if (local) {
            args.put("dynamic", LOCAL);
        } else {
            args.put("dynamic", quantization.dynamic());
        }
        args.putNull("group_size");
        args.put("num_bits", quantization.type().bits());
        if (quantization.dynamic() && !local) {
            args.putNull("observer");
        } else {
            args.put("observer", observer);
        }
        args.putObject("observer_kwargs");
        switch (quantization.scaleType()) {
            case FLOAT -> args.putNull("scale_dtype");
            case E4M3 -> args.put("scale_dtype", E4M3_SCALES);
            case E8M0 -> args.put("scale_dtype", E8M0_SCALES);
        }
        String strategy = switch (quantization.granularity()) {
            case Granularity.PerTensor tensor -> "tensor";
            case Granularity.PerChannel channel -> "channel";
            case Granularity.PerToken token -> "token";
            case Granularity.PerGroup group -> {
                args.put("group_size", group.size());
                yield "group";
            }
            case Granularity.PerTensorGroup group -> {
                args.put("group_size", group.size());
                yield "tensor_group";
            }
            case Granularity.PerHead head -> "attn_head";
            case Granularity.PerBlock block -> {
                args.putArray("block_structure").add(block.rows()).add(block.columns());
                yield "block";
            }
        };
        args.put("strategy", strategy);
        args.put("symmetric", quantization.symmetric());
        args.put(
                "type",
                switch (quantization.type()) {
                    case NumberType.IntType integers -> "int";
                    case NumberType.FloatType floats -> "float";
                });
        if (quantization.symmetric()) {
            args.putNull("zp_dtype");
        } else {
            args.put("zp_dtype", "torch.int8");
        }
        return args;
    }

    /** Whether groups follow an order of columns that the checkpoint stores, instead of lying side by side. */
    boolean actOrder() {
        // "weight" (older: "static") only says in which order columns were solved; "group" permutes them.
        return switch (object.text("actorder").orElse("weight")) {
            case "weight", "static" -> false;
            case "group", "dynamic" -> true;
            default -> {
                refuse(".actorder is " + object.node().path("actorder"));
                yield false;
            }
        };
    }

    Quantization parse() {
        Granularity granularity = granularity();
        ScaleType scales = scaleType();
        Set<String> zeroPoints =
                scales == ScaleType.E8M0 ? Set.of("torch.int8", E8M0_SCALES) : Set.of("torch.int8", E4M3_SCALES);
        object.member("zp_dtype")
                .filter(type -> !zeroPoints.contains(type.asString("")))
                .ifPresent(type -> refuse(".zp_dtype is " + type));
        return new Quantization(type(), object.bool("symmetric", true), granularity, scales, dynamic(granularity));
    }

    private void refuse(String what) {
        object.reading().refuse(path + what);
    }

    private boolean dynamic(Granularity granularity) {
        JsonNode spelled = object.node().path("dynamic");
        boolean local = spelled.asString("").equals(LOCAL);
        if (!local && object.member("dynamic").isPresent() && !spelled.isBoolean()) {
            throw Declaration.unsupported(path + ".dynamic is " + spelled);
        }
        boolean dynamic = local || spelled.asBoolean(false);
        if (dynamic && local != granularity instanceof Granularity.PerTensorGroup) {
            refuse(".dynamic is " + spelled + " with strategy " + object.node().path("strategy"));
        }
        return dynamic;
    }

    private ScaleType scaleType() {
        String type = object.text("scale_dtype").orElse("torch.bfloat16");
        return switch (type) {
            case E4M3_SCALES -> ScaleType.E4M3;
            case E8M0_SCALES -> ScaleType.E8M0;
            default -> {
                if (!FLOAT_SCALES.contains(type)) {
                    refuse(".scale_dtype is " + type);
                }
                yield ScaleType.FLOAT;
            }
        };
    }

    private NumberType type() {
        String type = object.string("type");
        int bits = object.integer("num_bits");
        Optional<NumberType.FloatType> floats = NumberType.FloatType.ofBits(bits);
        if (type.equals("float") && floats.isPresent()) {
            return floats.get();
        }
        if (type.equals("int") && bits >= 2 && bits <= 8) {
            return new NumberType.IntType(bits);
        }
        throw Declaration.unsupported(path + ": type " + type + " of " + bits + " bits");
    }

    private Granularity granularity() {
        Optional<String> spelled = object.text("strategy");
        if (spelled.isEmpty()) {
            refuse(".strategy is no string");
        }
        // Without a strategy, the reference tool takes a group size for groups and its absence for one scale.
        String strategy = spelled.orElse(object.member("group_size").isPresent() ? "group" : "tensor");
        boolean wholeRows = strategy.equals("channel")
                && object.member("group_size")
                        .filter(size -> size.asInt(0) == WHOLE_ROW)
                        .isPresent();
        if (!strategy.equals("group") && !strategy.equals("tensor_group") && !wholeRows) {
            object.requireNull("group_size");
        }
        if (!strategy.equals("block")) {
            object.requireNull("block_structure");
        }
        return switch (strategy) {
            case "tensor" -> new Granularity.PerTensor();
            case "channel" -> new Granularity.PerChannel();
            case "token" -> new Granularity.PerToken();
            case "group" -> new Granularity.PerGroup(object.positive("group_size"));
            case "tensor_group" -> new Granularity.PerTensorGroup(object.positive("group_size"));
            case "attn_head" -> new Granularity.PerHead();
            case "block" ->
                object.block("block_structure")
                        .orElseThrow(() -> Declaration.unsupported(
                                path + ": strategy block without a block_structure of two positive sizes"));
            default -> throw Declaration.unsupported(path + ": strategy " + strategy);
        };
    }
}
