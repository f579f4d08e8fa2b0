package io.octavo.engine.solve.scale;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ScaleLadderTest {

    @ParameterizedTest
    @EnumSource
    void everyNumberHasItsRungAndTheNextOneIsLarger(ScaleLadder ladder) {
        RandomGenerator random = new SplittableRandom(7);
        for (int i = 0; i < 2000; i++) {
            float scale = ladder.scale(random.nextInt(ladder == ScaleLadder.F32 ? 0x7F7F_FFFF : 0x8000));
            int rung = ladder.rung(scale);

            assertThat(ladder.scale(rung)).isEqualTo(scale).isPositive().isFinite();
            assertThat(ladder.scale(rung + 1) >= scale).isTrue();
            assertThat(ladder.rung(ladder.scale(rung + 1)) - rung).isBetween(0, 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void pastItsEndsComeTheOutermostNumbers(ScaleLadder ladder) {
        assertThat(ladder.scale(-5)).isEqualTo(ladder.scale(ladder == ScaleLadder.E8M0 ? 0 : 1));
        assertThat(ladder.scale(Integer.MAX_VALUE)).isFinite();
    }

    @ParameterizedTest
    @EnumSource
    void anOctaveDoubles(ScaleLadder ladder) {
        int one = ladder.rung(1);

        assertThat(ladder.scale(one + ladder.perOctave())).isEqualTo(2);
        assertThat(ladder.scale(one - ladder.perOctave())).isEqualTo(0.5f);
    }

    @Test
    void theSmallestPowerIsHalfOfTheSmallestNormalNumber() {
        assertThat(ScaleLadder.E8M0.scale(0)).isEqualTo(0x1p-127f);
        assertThat(ScaleLadder.E8M0.rung(0x1p-127f)).isZero();
        assertThat(ScaleLadder.E8M0.rung(0x1p127f)).isEqualTo(254);
    }
}
