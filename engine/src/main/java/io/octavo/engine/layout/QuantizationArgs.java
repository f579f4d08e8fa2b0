package io.octavo.engine.layout;

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
record QuantizationArgs(StrictObject object, String path) {

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

    static QuantizationArgs of(JsonNode node, String path) {
        return new QuantizationArgs(StrictObject.of(node, path, KEYS), path);
    }

    static ObjectNode write(Quantization quantization, String observer) {
        ObjectNode args = JsonNodeFactory.instance.objectNode();
        args.putNull("actorder");
        args.putNull("block_structure");
        args.put("dynamic", quantization.dynamic());
        args.putNull("group_size");
        args.put("num_bits", quantization.type().bits());
        if (quantization.dynamic()) {
            args.putNull("observer");
        } else {
            args.put("observer", observer);
        }
        args.putObject("observer_kwargs");
        args.putNull("scale_dtype");
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
        args.putNull("zp_dtype");
        return args;
    }

    Quantization parse() {
        // "weight" (older: "static") only says in which order columns were solved; "group" permutes them.
        boolean contiguous = object.member("actorder")
                .map(order -> order.asString("").equals("weight")
                        || order.asString("").equals("static"))
                .orElse(true);
        if (!contiguous) {
            throw StrictObject.unsupported(
                    path + ".actorder is " + object.node().path("actorder"));
        }
        object.requireNull("scale_dtype");
        object.requireNull("zp_dtype");
        return new Quantization(
                type(), object.bool("symmetric", true), granularity(), ScaleType.FLOAT, object.bool("dynamic", false));
    }

    private NumberType type() {
        String type = object.string("type");
        int bits = object.integer("num_bits");
        if (type.equals("float") && bits == NumberType.FloatType.E4M3.bits()) {
            return NumberType.FloatType.E4M3;
        }
        if (type.equals("int") && bits >= 2 && bits <= 8) {
            return new NumberType.IntType(bits);
        }
        throw StrictObject.unsupported(path + ": type " + type + " of " + bits + " bits");
    }

    private Granularity granularity() {
        String strategy = object.string("strategy");
        if (!strategy.equals("group")) {
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
            case "block" -> block();
            default -> throw StrictObject.unsupported(path + ": strategy " + strategy);
        };
    }

    private Granularity block() {
        Optional<JsonNode> block = object.member("block_structure");
        boolean valid = block.isPresent()
                && block.get().isArray()
                && block.get().size() == 2
                && block.get().valueStream().allMatch(size -> size.isInt() && size.intValue() > 0);
        if (!valid) {
            throw StrictObject.unsupported(path + ": strategy block without a block_structure of two positive sizes");
        }
        return new Granularity.PerBlock(
                block.get().get(0).intValue(), block.get().get(1).intValue());
    }
}
