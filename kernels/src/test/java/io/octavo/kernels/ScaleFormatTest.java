package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.kernels.number.ScaleFormat;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ScaleFormatTest {

    @ParameterizedTest
    @EnumSource
    void everyNumberHasItsRungAndTheNextOneIsLarger(ScaleFormat format) {
        RandomGenerator random = new SplittableRandom(7);
        for (int i = 0; i < 2000; i++) {
            float scale = format.scale(random.nextInt(format == ScaleFormat.F32 ? 0x7F7F_FFFF : 0x8000));
            int rung = format.rung(scale);

            assertThat(format.scale(rung)).isEqualTo(scale).isPositive().isFinite();
            assertThat(format.scale(rung + 1) >= scale).isTrue();
            assertThat(format.rung(format.scale(rung + 1)) - rung).isBetween(0, 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void pastItsEndsComeTheOutermostNumbers(ScaleFormat format) {
        assertThat(format.scale(-5)).isEqualTo(format.scale(format == ScaleFormat.E8M0 ? 0 : 1));
        assertThat(format.scale(Integer.MAX_VALUE)).isFinite();
    }

    @ParameterizedTest
    @EnumSource
    void anOctaveDoubles(ScaleFormat format) {
        int one = format.rung(1);

        assertThat(format.scale(one + format.perOctave())).isEqualTo(2);
        assertThat(format.scale(one - format.perOctave())).isEqualTo(0.5f);
    }

    @Test
    void theSmallestPowerIsHalfOfTheSmallestNormalNumber() {
        assertThat(ScaleFormat.E8M0.scale(0)).isEqualTo(0x1p-127f);
        assertThat(ScaleFormat.E8M0.rung(0x1p-127f)).isZero();
        assertThat(ScaleFormat.E8M0.rung(0x1p127f)).isEqualTo(254);
    }
}
