package io.octavo.engine.transformer.weight;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.util.List;

/** A weight {@code [outFeatures, inFeatures]} on the device, in a form that a product takes. */
public sealed interface LinearWeight {

    long outFeatures();

    long inFeatures();

    /** What its numbers are stored as. */
    DType dtype();

    /** The output features {@code [from, to)}, as a view. */
    LinearWeight rows(long from, long to);

    /** {@code out = input * weight^T} */
    void multiply(Backend backend, ScaledMatrix input, Matrix out, Stream stream);

    /** The same of several weights, which a device may multiply at once: {@code outs} each get theirs. */
    static void multiplyAll(
            Backend backend, ScaledMatrix input, List<LinearWeight> weights, List<Matrix> outs, Stream stream) {
        if (weights.stream().allMatch(Scaled.class::isInstance)) {
            List<ScaledMatrix> matrices =
                    weights.stream().map(weight -> ((Scaled) weight).matrix).toList();
            backend.operations().matMul().multiplyAll(input, matrices, outs, stream);
        } else if (input.scales() == null && weights.stream().allMatch(Packed.class::isInstance)) {
            List<Matrix> codes =
                    weights.stream().map(weight -> ((Packed) weight).codes).toList();
            List<Matrix> scales =
                    weights.stream().map(weight -> ((Packed) weight).scales).toList();
            backend.operations().packedMatMul().multiplyAll(input.codes(), codes, scales, outs, stream);
        } else {
            for (int i = 0; i < weights.size(); i++) {
                weights.get(i).multiply(backend, input, outs.get(i), stream);
            }
        }
    }

    /** Numbers or codes, at least a byte each. */
    record Scaled(ScaledMatrix matrix) implements LinearWeight {

        @Override
        public long outFeatures() {
            return matrix.rows();
        }

        @Override
        public long inFeatures() {
            return matrix.columns();
        }

        @Override
        public DType dtype() {
            return matrix.codes().dtype();
        }

        @Override
        public LinearWeight rows(long from, long to) {
            return new Scaled(matrix.rows(from, to));
        }

        @Override
        public void multiply(Backend backend, ScaledMatrix input, Matrix out, Stream stream) {
            backend.operations().matMul().multiply(input, matrix, out, stream);
        }
    }

    /**
     * Codes of 4 bits, for inputs without scales.
     *
     * @param codes {@code [outFeatures, inFeatures / 2]} U8, as {@code CodeFormat.INT4_OFFSET}
     * @param scales {@code [outFeatures, groups]}
     */
    record Packed(Matrix codes, Matrix scales) implements LinearWeight {

        @Override
        public long outFeatures() {
            return codes.rows();
        }

        @Override
        public long inFeatures() {
            return 2 * codes.columns();
        }

        @Override
        public DType dtype() {
            return codes.dtype();
        }

        @Override
        public LinearWeight rows(long from, long to) {
            return new Packed(codes.rows(from, to), scales.rows(from, to));
        }

        @Override
        public void multiply(Backend backend, ScaledMatrix input, Matrix out, Stream stream) {
            if (input.scales() != null) {
                throw new IllegalArgumentException("codes of 4 bits are multiplied with plain inputs alone");
            }
            backend.operations().packedMatMul().multiply(input.codes(), codes, scales, out, stream);
        }
    }
}
