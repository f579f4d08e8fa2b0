package io.octavo.engine.label;

/**
 * The ways in which vLLM runs quantized Linear modules, one by kernel family. Source: docs/checkpoint-formats.md, sections
 * 3.6, 4, 5, 7, 8 and 11.
 */
enum LoaderPath {
    /** E4M3 weights and inputs: where the hardware cannot multiply them, weights are expanded and inputs left alone. */
    FP8 {
        @Override
        Execution on(Gpu gpu, String intent) {
            return gpu.isBefore(Gpu.SM_89) ? expanded(gpu, 8) : Execution.on(gpu, intent, NATIVE);
        }
    },
    FP8_BLOCK {
        @Override
        Execution on(Gpu gpu, String intent) {
            return gpu.isBefore(Gpu.SM_90) ? expanded(gpu, 8) : Execution.on(gpu, intent, NATIVE);
        }
    },
    /** Without a fallback for older GPUs. */
    FP8_NATIVE_ONLY {
        @Override
        Execution on(Gpu gpu, String intent) {
            return gpu.isBefore(Gpu.SM_89)
                    ? fails(gpu, "needs sm_89 or newer; there is no fallback")
                    : Execution.on(gpu, "W8A8", NATIVE);
        }
    },
    INT8 {
        @Override
        Execution on(Gpu gpu, String intent) {
            return gpu.isBefore(Gpu.SM_100)
                    ? Execution.on(gpu, intent, NATIVE)
                    : fails(gpu, "current versions fail at start-up: no INT8 kernel for Blackwell");
        }
    },
    INT4_FP8 {
        @Override
        Execution on(Gpu gpu, String intent) {
            return gpu == Gpu.SM_90 ? Execution.on(gpu, intent, NATIVE) : fails(gpu, "needs exactly sm_90");
        }
    },
    /** E4M3 weights beside 16-bit inputs. */
    FP8_WEIGHT_ONLY {
        @Override
        Execution on(Gpu gpu, String intent) {
            return Execution.on(
                    gpu,
                    intent,
                    gpu.isBefore(Gpu.SM_89)
                            ? EXPANDED
                            : "weights are expanded to 16 bits, if the humming-kernels package is there: Marlin refuses");
        }
    },
    /** Codes of 8 or 4 bits, expanded to 16 while they are multiplied. */
    WEIGHT_ONLY {
        @Override
        Execution on(Gpu gpu, String intent) {
            return Execution.on(gpu, intent, EXPANDED);
        }
    },
    /** Zero points, or bits that no kernel has. */
    GPTQ_WITHOUT_KERNEL {
        @Override
        Execution on(Gpu gpu, String intent) {
            return fails(gpu, "vLLM loads gptq of symmetric weights of 4 or 8 bits alone");
        }
    },
    NVFP4 {
        @Override
        Execution on(Gpu gpu, String intent) {
            return gpu.isBefore(Gpu.SM_100) ? expanded(gpu, 4) : Execution.on(gpu, intent, NATIVE);
        }
    },
    MXFP4 {
        @Override
        Execution on(Gpu gpu, String intent) {
            if (gpu.isBefore(Gpu.SM_80)) {
                return fails(gpu, "needs sm_80 or newer");
            }
            return gpu.isBefore(Gpu.SM_100) ? expanded(gpu, 4) : Execution.on(gpu, intent, NATIVE);
        }
    },
    /** vLLM looks at the weights alone: where it can, it rounds the inputs as well. */
    MXFP4_WEIGHT_ONLY {
        @Override
        Execution on(Gpu gpu, String intent) {
            return gpu.isBefore(Gpu.SM_100) ? MXFP4.on(gpu, intent) : Execution.on(gpu, "W4A4", NATIVE);
        }
    },
    MXFP8 {
        @Override
        Execution on(Gpu gpu, String intent) {
            return gpu.isBefore(Gpu.SM_100) ? expanded(gpu, 8) : Execution.on(gpu, intent, NATIVE);
        }
    },
    MODELOPT_MXFP8 {
        @Override
        Execution on(Gpu gpu, String intent) {
            return gpu.isBefore(Gpu.SM_80) ? fails(gpu, "needs sm_80 or newer") : MXFP8.on(gpu, intent);
        }
    };

    private static final String NATIVE = "multiplied in these types";
    private static final String EXPANDED = "Marlin: weights are expanded to 16 bits";

    /** @param intent what the config declares, such as {@code W8A8} */
    abstract Execution on(Gpu gpu, String intent);

    private static Execution expanded(Gpu gpu, int weightBits) {
        return Execution.on(
                gpu, "W" + weightBits + "A16", "Marlin: weights are expanded to 16 bits, inputs stay 16-bit");
    }

    private static Execution fails(Gpu gpu, String reason) {
        return Execution.on(gpu, Execution.FAILS, reason);
    }
}
