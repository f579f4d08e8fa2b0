package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.FakeQuantize;
import io.octavo.kernels.quantization.Scaling;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

abstract class FakeQuantizeContract extends BackendContract {

    FakeQuantizeContract(IntFunction<Backend> open) {
        super(open);
    }

    @Test
    void givesWhatCodesAndScalesStandFor() {
        for (int group : new int[] {1, 16, 32, 35, 128}) {
            check(CodeFormat.E4M3, group, new Scaling.Absmax(448));
            check(CodeFormat.INT8, group, new Scaling.Absmax(127.5f));
            check(CodeFormat.INT8, group, new Scaling.Range());
            check(CodeFormat.INT4_OFFSET, group, new Scaling.Range());
            check(CodeFormat.E2M1, group, new Scaling.Relative(6, 77));
            check(CodeFormat.E2M1, group, new Scaling.PowerOfTwo(2));
            check(CodeFormat.E4M3, group, new Scaling.PowerOfTwo(8));
        }
    }

    private void check(CodeFormat format, int group, Scaling scaling) {
        int rows = 6;
        int columns = 3 * group;
        float[] values = gaussian(random(group), rows * columns, 2);
        values[1 % values.length] = -0f;
        Matrix x = inOut(rows, columns, values);
        backend.operations().fakeQuantize().apply(x, format, group, scaling, x, stream);
        float[] actual = floats(x);
        for (int at = 0; at < values.length; at += group) {
            float[] tile = Arrays.copyOfRange(values, at, at + group);
            TileOracle.Scale scale = TileOracle.scale(tile, format, scaling, DType.F32);
            for (int i = 0; i < group; i++) {
                int code = TileOracle.code(tile[i], scale, format);
                float expected = (TileOracle.number(code, format) - scale.zeroPoint()) * scale.scale();
                assertThat(actual[at + i])
                        .as("%s %s %d", format, scaling, at + i)
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void fixedScalesServeColumnsOfAllRows() {
        float[] values = gaussian(random(1), 5 * 40, 40);
        Matrix x = input(DType.F32, 5, 40, values);
        float[] scales = {0.25f, 0.01f, 3f, 1e-6f};
        for (CodeFormat format : List.of(CodeFormat.E4M3, CodeFormat.INT8, CodeFormat.E2M1)) {
            int zeroPoint = format.isInteger() ? -17 : 0;
            Matrix out = output(DType.F32, 5, 40);
            backend.operations()
                    .fakeQuantize()
                    .applyFixed(x, format, input(DType.F32, 1, 4, scales), zeroPoint, out, stream);
            float[] actual = floats(out);
            for (int i = 0; i < values.length; i++) {
                float scale = scales[i % 40 / 10];
                int code = TileOracle.code(values[i], new TileOracle.Scale(scale, scale, zeroPoint), format);
                assertThat(actual[i]).isEqualTo((TileOracle.number(code, format) - zeroPoint) * scale);
            }
        }
    }

    @Test
    void notANumberStaysVisibleInFloatingFormats() {
        float[] values = gaussian(random(1), 32, 1);
        values[5] = Float.NaN;
        Matrix x = inOut(1, 32, values);
        backend.operations().fakeQuantize().applyFixed(x, CodeFormat.E4M3, input(DType.F32, 1, 1, 1), 0, x, stream);
        assertThat(floats(x)[5]).isNaN();
    }

    @Test
    void rejectsWhatDoesNotFit() {
        Matrix x = inOut(2, 6, new float[12]);
        FakeQuantize operation = backend.operations().fakeQuantize();
        assertThatThrownBy(() -> operation.apply(x, CodeFormat.E4M3, 4, new Scaling.Absmax(448), x, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("do not divide");
        assertThatThrownBy(() -> operation.apply(x, CodeFormat.E4M3, 3, new Scaling.Given(), x, stream))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> operation.applyFixed(x, CodeFormat.E4M3, input(DType.F32, 1, 1, 1), 3, x, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("zero point");
    }
}
