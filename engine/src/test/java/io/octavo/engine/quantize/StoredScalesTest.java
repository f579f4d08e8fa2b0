package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.calibrate.ActivationRanges.Range;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.scheme.NumberType;
import io.octavo.kernels.number.DType;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Against numbers worked out by hand: INT8 divides by 127.5, E4M3 by 448, NVFP4 by 2688. */
class StoredScalesTest {

    private static final NumberType INT8 = new NumberType.IntType(8);

    @Test
    void zeroIsStoredAsEpsilonAndNothingElseIs() {
        assertThat(StoredScales.symmetric("w", 0, INT8, DType.BF16)).isEqualTo(0x1p-7f);
        assertThat(StoredScales.symmetric("w", 127.5f, INT8, DType.F32)).isEqualTo(1);
        assertThat(StoredScales.symmetric("w", 1e-40f, INT8, DType.F32)).isEqualTo((float) (1e-40 / 127.5));
        assertRefused(() -> StoredScales.symmetric("w", 7 * Float.MIN_VALUE, INT8, DType.F32));
        assertRefused(() -> StoredScales.symmetric("w", 1e-42f, INT8, DType.F32));
        assertRefused(() -> StoredScales.symmetric("w", 1e-38f, INT8, DType.BF16));
        assertRefused(() -> StoredScales.symmetric("w", 1e-6f, NumberType.FloatType.E4M3, DType.F16));
        assertRefused(
                () -> StoredScales.asymmetric("w", new Range(-Float.MIN_VALUE, 7 * Float.MIN_VALUE), INT8, DType.F32));
    }

    @Test
    void whatNvfp4DividesByHasANormalReciprocal() {
        StoredScales.requireDivided("w", 0);
        StoredScales.requireDivided("w", 2688 * 0x1p-126f);
        assertThat(1 / StoredScales.globalDivisor(2688 * 0x1p-126f, DType.F32)).isEqualTo(Float.MIN_NORMAL);
        assertRefused(() -> StoredScales.requireDivided("w", 2687 * 0x1p-126f));
    }

    private static void assertRefused(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SCHEME_UNSUITABLE))
                .hasMessageStartingWith("w: its ")
                .hasMessageContaining("ignore the module");
    }
}
