package io.octavo.engine.layout.weight;

import java.util.Set;

/** Names of tensors that only quantized checkpoints hold. To pass over one is to misread the model. */
public final class QuantizationParameters {

    public static final String WEIGHT = "weight";
    public static final String WEIGHT_PACKED = "weight_packed";
    public static final String WEIGHT_SHAPE = "weight_shape";
    public static final String WEIGHT_ZERO_POINT = "weight_zero_point";
    public static final String WEIGHT_GROUP_INDEX = "weight_g_idx";
    public static final String WEIGHT_GLOBAL_SCALE = "weight_global_scale";
    public static final String WEIGHT_SCALE = "weight_scale";
    public static final String WEIGHT_SCALE_INV = "weight_scale_inv";
    public static final String WEIGHT_SCALE_2 = "weight_scale_2";
    public static final String INPUT_SCALE = "input_scale";
    public static final String INPUT_ZERO_POINT = "input_zero_point";
    public static final String INPUT_GLOBAL_SCALE = "input_global_scale";
    public static final String QWEIGHT = "qweight";
    public static final String QZEROS = "qzeros";
    public static final String SCALES = "scales";
    public static final String GROUP_INDEX = "g_idx";
    public static final String KEY_SCALE = "k_scale";
    public static final String VALUE_SCALE = "v_scale";

    private static final Set<String> NAMES = Set.of(
            WEIGHT_PACKED,
            WEIGHT_SHAPE,
            WEIGHT_ZERO_POINT,
            WEIGHT_GROUP_INDEX,
            WEIGHT_GLOBAL_SCALE,
            WEIGHT_SCALE,
            WEIGHT_SCALE_INV,
            WEIGHT_SCALE_2,
            INPUT_SCALE,
            INPUT_ZERO_POINT,
            INPUT_GLOBAL_SCALE,
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
    public static boolean contains(String tensor) {
        return NAMES.contains(parameter(tensor));
    }

    /** Whether it says how to read codes, and holds none. */
    public static boolean besideCodes(String tensor) {
        return contains(tensor)
                && !parameter(tensor).equals(WEIGHT_PACKED)
                && !parameter(tensor).equals(QWEIGHT);
    }

    public static String parameter(String tensor) {
        return tensor.substring(tensor.lastIndexOf('.') + 1);
    }

    /** The module that a tensor belongs to. */
    public static String module(String tensor) {
        return tensor.substring(0, Math.max(tensor.lastIndexOf('.'), 0));
    }
}
