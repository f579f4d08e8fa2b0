package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.GatedActivation;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code gated_activation.cu}. */
final class CudaGatedActivation implements GatedActivation {

    private static final int THREADS = 256;

    /** Elements a thread: {@code kCount} of the kernel. */
    private static final int COUNT = 4;

    private final KernelLibrary library;

    CudaGatedActivation(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void apply(Function function, Matrix gate, Matrix up, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkGatedActivation(gate, up, out);
        String name = switch (function) {
            case SILU -> "gated_activation_silu";
            case GELU_TANH -> "gated_activation_gelu_tanh";
        };
        cuda.call(library.kernel("gated_activation", name))
                .matrix(gate)
                .matrix(up)
                .matrix(out)
                .count(gate.elements())
                .launch(Grid.covering(Math.ceilDiv(gate.elements(), (long) COUNT), THREADS));
    }
}
