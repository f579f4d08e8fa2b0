package io.octavo.engine.transformer;

import io.octavo.engine.model.FeedForwardSpec;
import io.octavo.kernels.number.DType;
import java.util.List;

/**
 * What a mixture of experts computes in; {@code k} experts for each token.
 *
 * @param logits {@code [tokens, experts]} F32
 * @param chosen {@code [tokens, k]} I32, experts
 * @param weights {@code [tokens, k]} F32
 * @param sources {@code [tokens, k]} I32: the token of each row, in the order of experts
 * @param rows {@code [tokens, k]} I32: the row of each token's expert
 * @param starts {@code [1, experts + 1]} I32: the first row of each expert
 * @param ordered {@code [tokens * k, hidden]} F32
 * @param gate {@code [tokens * k, intermediateSize]} F32
 * @param up like {@code gate}
 */
record ExpertBuffers(
        Scratch logits,
        Scratch chosen,
        Scratch weights,
        Scratch sources,
        Scratch rows,
        Scratch starts,
        Scratch ordered,
        Scratch gate,
        Scratch up) {

    static ExpertBuffers of(FeedForwardSpec.Experts spec, int hidden) {
        int each = spec.perToken();
        return new ExpertBuffers(
                Scratch.row("expert-logits", spec.count()),
                new Scratch("expert-choice", DType.I32, 1, each),
                Scratch.row("expert-weights", each),
                new Scratch("expert-sources", DType.I32, 1, each),
                new Scratch("expert-rows", DType.I32, 1, each),
                new Scratch("expert-starts", DType.I32, 0, spec.count() + 1L),
                new Scratch("expert-inputs", DType.F32, each, hidden),
                new Scratch("gate", DType.F32, each, spec.intermediateSize()),
                new Scratch("up", DType.F32, each, spec.intermediateSize()));
    }

    List<Scratch> all() {
        return List.of(logits, chosen, weights, sources, rows, starts, ordered, gate, up);
    }
}
