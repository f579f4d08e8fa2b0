package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.operation.GatedActivation;

/** Launches {@code gated_activation.cu}. */
public final class CudaGatedActivation implements GatedActivation {

    private static final int THREADS = 256;

    private final KernelLibrary library;

    public CudaGatedActivation(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void apply(Function function, Matrix gate, Matrix up, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        GatedActivation.check(gate, up, out);
        String name = switch (function) {
            case SILU -> "gated_activation_silu";
            case GELU_TANH -> "gated_activation_gelu_tanh";
        };
        KernelFile file = library.file("gated_activation");
        cuda.call(file.kernel(name))
                .matrix(gate)
                .matrix(up)
                .matrix(out)
                .count(gate.elements())
                .launch(Grid.covering(Math.ceilDiv(gate.elements(), (long) file.constant("kCount")), THREADS));
    }
}
