package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.product.PackedMatMul;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

abstract class PackedMatMulContract extends BackendContract {

    /** Half a unit in the last place of 1 in BF16, to which weights may be rounded. */
    private static final double HALF_ROUNDING = 0x1p-9;

    PackedMatMulContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16"})
    void multipliesEveryShape(DType type) {
        int[] ms = {1, 2, 7, 8, 9, 16, 17, 31, 33, 64, 65, 130, 0, 3};
        int[] ns = {8, 64, 130, 1, 257, 33, 128, 72, 65, 40, 129, 31, 4, 0};
        int[] ks = {32, 96, 128, 160, 544, 2176, 1056, 4096, 96, 640, 288, 192, 32, 32};
        for (int i = 0; i < ms.length; i++) {
            for (int group : new int[] {16, 32, 64, 128, ks[i]}) {
                if (ks[i] % group == 0) {
                    check(type, ms[i], ns[i], ks[i], group, i % 2 == 0 ? DType.F32 : DType.BF16);
                }
            }
        }
    }

    private void check(DType type, int m, int n, int k, int group, DType scaleType) {
        RandomGenerator random = random(31L * m + 7L * n + k + group);
        Matrix a = input(type, m, k, gaussian(random, m * k, 1));
        byte[] packed = new byte[n * k / 2];
        random.nextBytes(packed);
        Matrix codes = bytes(packed, n, k / 2);
        Matrix scales = input(scaleType, n, k / group, gaussian(random, n * k / group, 0.01));
        Matrix out = output(DType.F32, m, n);
        backend.operations().packedMatMul().multiply(a, codes, scales, out, stream);
        assertProduct(a, packed, scales, out);
    }

    /** As a layer's keys and values beside its queries. */
    @Test
    void multipliesSeveralWeightsByTheSameActivations() {
        RandomGenerator random = random(77);
        int k = 640;
        for (int m : new int[] {1, 12, 40}) {
            Matrix a = input(DType.BF16, m, k, gaussian(random, m * k, 1));
            int[] ns = {200, 17, 64, 1};
            byte[][] packed = new byte[ns.length][];
            List<Matrix> codes = new ArrayList<>();
            List<Matrix> scales = new ArrayList<>();
            List<Matrix> outs = new ArrayList<>();
            for (int i = 0; i < ns.length; i++) {
                packed[i] = new byte[ns[i] * k / 2];
                random.nextBytes(packed[i]);
                codes.add(bytes(packed[i], ns[i], k / 2));
                scales.add(input(DType.BF16, ns[i], k / 128, gaussian(random, ns[i] * k / 128, 0.01)));
                outs.add(output(DType.F32, m, ns[i]));
            }
            backend.operations().packedMatMul().multiplyAll(a, codes, scales, outs, stream);
            for (int i = 0; i < ns.length; i++) {
                assertProduct(a, packed[i], scales.get(i), outs.get(i));
            }
        }
    }

    private void assertProduct(Matrix a, byte[] packed, Matrix scales, Matrix out) {
        DType type = a.dtype();
        int m = (int) a.rows();
        int n = (int) out.columns();
        int k = (int) a.columns();
        int group = (int) (k / scales.columns());
        float[] actual = floats(out);
        float[] left = floats(a);
        float[] scaleValues = floats(scales);
        // As in MatMulContract, and each weight may be rounded to BF16.
        double rounding = (k + 8) * ROUNDING + (type == DType.BF16 ? HALF_ROUNDING : 0);
        for (int row = 0; row < m; row++) {
            for (int column = 0; column < n; column++) {
                double sum = 0;
                double magnitude = 0;
                for (int i = 0; i < k; i++) {
                    int at = column * k + i;
                    double code = ((packed[at / 2] >> (i % 2 * 4)) & 0xF) - 8;
                    double term = left[row * k + i] * code * scaleValues[at / group];
                    sum += term;
                    magnitude += Math.abs(term);
                }
                assertWithin(actual[row * n + column], sum, rounding * magnitude, "m, n, k, group", m, n, k, group);
            }
        }
    }

    private Matrix bytes(byte[] values, long rows, long columns) {
        Matrix matrix = output(DType.U8, rows, columns);
        matrix.buffer().copyFrom(MemorySegment.ofArray(values), 0, stream);
        return matrix;
    }

    @Test
    void rejectsWhatDoesNotFit() {
        PackedMatMul operation = backend.operations().packedMatMul();
        Matrix a = input(DType.F32, 2, 48, new float[96]);
        Matrix wide = input(DType.F32, 2, 64, new float[128]);
        Matrix codes = output(DType.U8, 3, 32);
        Matrix out = output(DType.F32, 2, 3);
        Matrix eight = input(DType.F32, 3, 8, new float[24]);
        assertThatThrownBy(() -> operation.multiply(a, codes, eight, out, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("multiple of 32");
        assertThatThrownBy(() -> operation.multiply(wide, codes, eight, out, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("groups of 8");
        assertThatThrownBy(() -> operation.multiply(wide, codes.rows(0, 2), eight, out, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("scales is 3 x 8");
    }
}
