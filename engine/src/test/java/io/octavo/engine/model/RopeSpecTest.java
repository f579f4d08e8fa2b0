package io.octavo.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class RopeSpecTest {

    /** With theta 10^4 and heads of 8 the angles a position are 1, 0.1, 0.01 and 0.001. */
    @Test
    void llama3BlendsBetweenItsBands() {
        var rope = new RopeSpec.Llama3(10_000, 8, 1, 4, 1024);
        double turns = 1024 * 0.01 / (2 * Math.PI); // 1.63, between 1 and 4
        double kept = (turns - 1) / 3;

        assertThat(rope.inverseFrequencies(8))
                .containsExactly(new double[] {1, 0.1, kept * 0.01 + (1 - kept) * 0.01 / 8, 0.001 / 8}, within(1e-15));
    }
}
