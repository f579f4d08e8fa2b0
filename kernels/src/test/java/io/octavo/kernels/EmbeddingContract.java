package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

abstract class EmbeddingContract extends BackendContract {

    EmbeddingContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @CsvSource({"F32,1", "BF16,16", "F16,33", "F32,512", "BF16,7"})
    void gathersAndMultipliesRowsExactly(DType dtype, int columns) {
        Matrix table = input(dtype, 11, columns, gaussian(random(1), 11 * columns, 1));
        int[] ids = random(2).ints(200, 0, 11).toArray();
        Matrix out = output(DType.F32, ids.length, columns);
        backend.operations().embedding().gather(table, ints(ids), 22.627417f, out, stream);
        float[] source = floats(table);
        float[] actual = floats(out);
        for (int i = 0; i < actual.length; i++) {
            assertThat(actual[i]).isEqualTo(source[ids[i / columns] * columns + i % columns] * 22.627417f);
        }
    }

    @Test
    void unknownIdsGiveRowsOfNan() {
        Matrix table = input(DType.BF16, 3, 20, gaussian(random(1), 60, 1));
        Matrix out = output(DType.F32, 4, 20);
        backend.operations().embedding().gather(table, ints(-1, 3, Integer.MAX_VALUE, 2), 1, out, stream);
        assertThat(floats(out.rows(0, 3))).containsOnly(Float.NaN);
        assertThat(floats(out.rows(3, 4))).isEqualTo(floats(table.rows(2, 3)));
    }

    @Test
    void rejectsAsManyIdsAsDoNotFitTheOutput() {
        Matrix table = input(DType.F32, 3, 2, new float[6]);
        Matrix out = output(DType.F32, 4, 2);
        assertThatThrownBy(() -> backend.operations().embedding().gather(table, ints(1, 2), 1, out, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("ids is 1 x 2, expected 1 x 4");
    }
}
