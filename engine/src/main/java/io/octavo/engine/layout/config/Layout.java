package io.octavo.engine.layout.config;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.Arrays;
import java.util.List;

/** The ways in which quantized checkpoints are spelled on disk. docs/checkpoint-formats.md is the contract. */
public enum Layout {
    COMPRESSED_TENSORS("compressed-tensors", "integers of 4 or 8 bits, E4M3 and E2M1 in the formats that have a name"),
    /** Scales per tensor as AutoFP8 wrote them, or per block as DeepSeek does: the numbers decide which. */
    FP8(
            "fp8",
            "E4M3 weights per tensor with inputs per tensor or token, or weights per block with dynamic inputs per group"),
    AWQ("awq", "weight-only integers of 4 bits per group or channel"),
    /** Stores zero point − 1. */
    GPTQ("gptq", "weight-only integers of 4 or 8 bits per group or channel"),
    /** Stores the zero point itself. */
    GPTQ_V2("gptq_v2", "weight-only integers of 4 or 8 bits per group or channel"),
    MODELOPT("modelopt", "static FP8 per tensor, FP8 per channel and token, NVFP4, and MXFP8 with inputs of its kind");

    private final String id;
    private final String holds;

    Layout(String id, String holds) {
        this.id = id;
        this.holds = holds;
    }

    /** The layout's name in requests. */
    public String id() {
        return id;
    }

    /** Which numbers it can say, for messages. */
    public String holds() {
        return holds;
    }

    /** In the order to show them. */
    public static List<String> ids() {
        return Arrays.stream(values()).map(Layout::id).toList();
    }

    /** @throws QuantizationException {@code LAYOUT_UNKNOWN}, with the allowed names */
    public static Layout named(String id) {
        return Arrays.stream(values())
                .filter(layout -> layout.id.equals(id))
                .findFirst()
                .orElseThrow(() -> new QuantizationException(
                        ErrorCode.LAYOUT_UNKNOWN, "layout " + id + "; allowed: " + String.join(", ", ids())));
    }
}
