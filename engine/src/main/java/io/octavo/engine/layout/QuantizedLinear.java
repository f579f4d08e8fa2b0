package io.octavo.engine.layout;

import io.octavo.engine.checkpoint.Tensor;

/**
 * A Linear as it is stored: {@code W = weight * weightScale}.
 *
 * @param module its name, without {@code .weight}
 * @param weight codes {@code [outFeatures, inFeatures]}, F8_E4M3
 * @param weightScale BF16, F16 or F32: {@code [outFeatures, 1]}, or {@code [1]} or {@code []} for one scale in all
 * @param dynamicPerTokenFp8Input whether inputs are rounded to E4M3 with one scale a token before they are multiplied
 */
public record QuantizedLinear(String module, Tensor weight, Tensor weightScale, boolean dynamicPerTokenFp8Input) {}
