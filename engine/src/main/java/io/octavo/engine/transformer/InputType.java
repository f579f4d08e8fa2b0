package io.octavo.engine.transformer;

import io.octavo.kernels.Backend;
import io.octavo.kernels.DType;

/** What a Linear's input is rounded to before it is multiplied; decided by the checkpoint's scheme. */
public enum InputType {
    /** Kept as it comes. */
    UNQUANTIZED,
    /** BF16: what a checkpoint that rounds nothing gets where the backend's products take nothing wider. */
    BF16,
    /** E4M3 with one scale a token, computed at run time. */
    F8_E4M3_PER_TOKEN;

    /** What this becomes on a backend, whose products may take nothing wider than BF16. */
    InputType on(Backend backend, DType weights) {
        boolean rounds = this == UNQUANTIZED && weights != DType.F32 && backend.productInput() == DType.BF16;
        return rounds ? BF16 : this;
    }
}
