package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.quantization.GptqSweep;
import org.jspecify.annotations.Nullable;

/** Not there yet. */
public final class CudaGptqSweep implements GptqSweep {

    @Override
    public void quantize(
            Matrix weights,
            Matrix factor,
            @Nullable Matrix order,
            CodeFormat format,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            long groupColumns,
            Matrix codes,
            Matrix losses,
            Stream stream) {
        throw new UnsupportedOperationException("no kernel yet");
    }
}
