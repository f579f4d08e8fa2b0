package io.octavo.engine.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LogitRulesTest {

    /** Bias, repetition, frequency, presence, in this order, worked out by hand. */
    @Test
    void changesLogitsInTheOrderOfVllm() {
        var sampling = new SamplingParameters(1, 0, 1, 0, 2, 0.5f, 0.25f, Map.of(0, 3f, 4, -1f), 0L);
        var rules = new LogitRules(sampling, List.of(0, 1));
        rules.add(2);
        rules.add(2);
        rules.add(3);
        float[] logits = {1, -1, 4, -4, 1, 1};
        rules.apply(logits);
        assertThat(logits).containsExactly(2, -2, 2 - 2 * 0.25f - 0.5f, -8 - 0.25f - 0.5f, 0, 1);
    }
}
