package io.octavo.engine.layout;

import java.util.Set;

/** Names of tensors that only quantized checkpoints hold. To pass over one is to misread the model. */
final class QuantizationParameters {

    static final String WEIGHT = "weight";
    static final String WEIGHT_SCALE = "weight_scale";
    static final String WEIGHT_SCALE_INV = "weight_scale_inv";
    static final String WEIGHT_SCALE_2 = "weight_scale_2";
    static final String INPUT_SCALE = "input_scale";
    static final String QWEIGHT = "qweight";
    static final String QZEROS = "qzeros";
    static final String SCALES = "scales";
    static final String GROUP_INDEX = "g_idx";
    static final String KEY_SCALE = "k_scale";
    static final String VALUE_SCALE = "v_scale";

    private static final Set<String> NAMES = Set.of(
            "weight_packed",
            "weight_shape",
            "weight_zero_point",
            "weight_g_idx",
            "weight_global_scale",
            WEIGHT_SCALE,
            WEIGHT_SCALE_INV,
            WEIGHT_SCALE_2,
            INPUT_SCALE,
            "input_zero_point",
            "input_global_scale",
            "output_scale",
            KEY_SCALE,
            VALUE_SCALE,
            "q_scale",
            "kv_scale",
            QWEIGHT,
            QZEROS,
            SCALES,
            GROUP_INDEX);

    private QuantizationParameters() {}

    /** Whether a tensor belongs to a module's quantization, told by the last part of its name. */
    static boolean contains(String tensor) {
        return NAMES.contains(parameter(tensor));
    }

    static String parameter(String tensor) {
        return tensor.substring(tensor.lastIndexOf('.') + 1);
    }

    /** The module that a tensor belongs to. */
    static String module(String tensor) {
        return tensor.substring(0, Math.max(tensor.lastIndexOf('.'), 0));
    }
}
