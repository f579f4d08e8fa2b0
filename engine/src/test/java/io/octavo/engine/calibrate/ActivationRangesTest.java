package io.octavo.engine.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.octavo.engine.calibrate.ActivationRanges.Range;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ActivationRangesTest {

    @Test
    void aUnionHoldsBothRangesOnBothSides() {
        assertThat(new Range(-1, 5).union(new Range(-3, 2))).isEqualTo(new Range(-3, 5));
        assertThat(new Range(-3, 2).union(new Range(-1, 5))).isEqualTo(new Range(-3, 5));
        assertThat(new Range(0, 0).union(new Range(-1, 1))).isEqualTo(new Range(-1, 1));
    }

    @Test
    void theLargestMagnitudeMayBeNegative() {
        assertThat(new Range(-7, 2).absmax()).isEqualTo(7);
        assertThat(new Range(-2, 7).absmax()).isEqualTo(7);
    }

    @Test
    void aRangeHoldsZero() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Range(1, 2));
        assertThatIllegalArgumentException().isThrownBy(() -> new Range(-2, -1));
        assertThatIllegalArgumentException().isThrownBy(() -> new Range(Float.NaN, 1));
    }

    @Test
    void dividingChannelsDividesTheirMagnitudesAndTheRangeOfTheInput() {
        var ranges = new ActivationRanges(
                Map.of("m", new Range(-8, 6)),
                Map.of("m", List.of(new Range(-8, 1), new Range(-2, 6))),
                Map.of("m", new float[] {32, 8}),
                Map.of(),
                Map.of());

        assertThat(ranges.channelMagnitudes("m")).containsExactly(8, 6);
        ActivationRanges divided = ranges.dividedBy("m", new float[] {4, 2});

        assertThat(divided.channelMagnitudes("m")).containsExactly(2, 3);
        assertThat(divided.input("m")).contains(new Range(-2, 3));
        assertThat(divided.squares().get("m")).containsExactly(2, 2);
    }
}
