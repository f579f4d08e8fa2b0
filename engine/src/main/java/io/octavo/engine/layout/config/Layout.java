package io.octavo.engine.layout.config;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.Arrays;
import java.util.List;

/** The ways in which quantized checkpoints are spelled on disk. docs/checkpoint-formats.md is the contract. */
public enum Layout {
    COMPRESSED_TENSORS("compressed-tensors"),
    /** Scales per tensor as AutoFP8 wrote them, or per block as DeepSeek does: the numbers decide which. */
    FP8("fp8"),
    AWQ("awq"),
    /** Stores zero point − 1. */
    GPTQ("gptq"),
    /** Stores the zero point itself. */
    GPTQ_V2("gptq_v2"),
    MODELOPT("modelopt");

    private final String id;

    Layout(String id) {
        this.id = id;
    }

    /** The layout's name in requests. */
    public String id() {
        return id;
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
