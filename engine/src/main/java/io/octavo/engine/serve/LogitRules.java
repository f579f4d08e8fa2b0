package io.octavo.engine.serve;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/** What {@link SamplingParameters} do to a row of logits before a token is drawn from it. */
final class LogitRules {

    private final SamplingParameters sampling;
    private final BitSet seen = new BitSet();
    private final Map<Integer, Integer> counts = new HashMap<>();

    LogitRules(SamplingParameters sampling, Iterable<Integer> prompt) {
        this.sampling = sampling;
        prompt.forEach(seen::set);
    }

    /** Tells of a token of the text. */
    void add(int token) {
        seen.set(token);
        counts.merge(token, 1, Integer::sum);
    }

    void apply(float[] logits) {
        sampling.logitBias().forEach((token, bias) -> logits[token] += bias);
        float penalty = sampling.repetitionPenalty();
        if (penalty != 1) {
            seen.stream().forEach(token -> {
                float logit = logits[token];
                logits[token] = logit > 0 ? logit / penalty : logit * penalty;
            });
        }
        counts.forEach(
                (token, count) -> logits[token] -= sampling.frequencyPenalty() * count + sampling.presencePenalty());
    }
}
