package io.octavo.engine.layout.weight;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ExactNumbersTest {

    @Test
    void findsTheDivisorOfEveryReciprocal() {
        var random = new SplittableRandom(11);
        for (int i = 0; i < 100_000; i++) {
            float divisor = Float.intBitsToFloat(random.nextInt(0x3F000000, 0x47000000));
            float multiplier = 1 / divisor;
            assertThat(1 / ExactNumbers.divisor(multiplier, "t")).isEqualTo(multiplier);
        }
        // What a 16-bit absmax leads to comes back as it was.
        for (int bits = 0x4000; bits < 0x4800; bits++) {
            float divisor = Float.intBitsToFloat(bits << 16);
            assertThat(ExactNumbers.divisor(1 / divisor, "t")).isEqualTo(divisor);
        }
    }
}
