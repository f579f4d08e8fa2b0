package io.octavo.engine.quantize;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.Float8;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** The error of a weight as a plain loop measures it. */
final class PlainError {

    private PlainError() {}

    /** Of BF16 that became E4M3 with a scale a row: the norm of what changed, relative to that of the weight. */
    static double ofFloat8(Path from, Path to, String module) {
        double error = 0;
        double square = 0;
        try (Checkpoint source = Checkpoint.open(from);
                Checkpoint written = Checkpoint.open(to)) {
            short[] weights = source.tensor(module + ".weight").segment().toArray(ValueLayout.JAVA_SHORT_UNALIGNED);
            byte[] codes = written.tensor(module + ".weight").segment().toArray(ValueLayout.JAVA_BYTE);
            short[] scales =
                    written.tensor(module + ".weight_scale").segment().toArray(ValueLayout.JAVA_SHORT_UNALIGNED);
            int columns = codes.length / scales.length;
            for (int i = 0; i < codes.length; i++) {
                double w = BFloat16.toFloat(weights[i]);
                double stored = (double) Float8.fromE4m3(codes[i]) * BFloat16.toFloat(scales[i / columns]);
                error += (stored - w) * (stored - w);
                square += w * w;
            }
        }
        return Math.sqrt(error / square);
    }
}
