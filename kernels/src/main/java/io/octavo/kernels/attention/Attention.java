package io.octavo.kernels.attention;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.DType;
import java.util.Set;

/**
 * Causal grouped-query attention over a paged cache, softmax in f32 with the running maximum subtracted.
 *
 * <p>{@code out = softmax(scale * q k^T) v}, each query seeing the cache positions up to its own, and with a sliding
 * window only the last {@code window} of them (its own included).
 */
public interface Attention {

    /**
     * @param heads query heads; a multiple of the layout's {@code kvHeads}
     * @param scale multiplies the scores, usually {@code 1 / sqrt(headDim)}
     * @param window positions that a query sees, {@link Integer#MAX_VALUE} for all
     * @param softcap {@code score = softcap * tanh(score / softcap)} before the mask; 0 for none
     */
    record Parameters(int heads, KvCacheLayout layout, float scale, int window, float softcap) {
        public Parameters {
            if (heads <= 0 || heads % layout.kvHeads() != 0) {
                throw new IllegalArgumentException(
                        "heads " + heads + " is not a multiple of kvHeads " + layout.kvHeads());
            }
            if (window <= 0) {
                throw new IllegalArgumentException("window must be positive: " + window);
            }
        }
    }

    /**
     * Which query rows belong to which sequence. All members are I32.
     *
     * @param queryStarts {@code [1, sequences + 1]}: sequence {@code s} has query rows
     *     {@code queryStarts[s] .. queryStarts[s + 1]}, the last of its context
     * @param contextLengths {@code [1, sequences]}: tokens in the cache, the queries' own included
     * @param pageTable {@code [sequences, maxPages]}: page numbers in order of position
     */
    record Batch(Matrix queryStarts, Matrix contextLengths, Matrix pageTable) {}

    /**
     * What the operation reads and writes.
     *
     * @param q {@code [tokens, heads * headDim]} F32, rotated
     * @param keys fitting the layout
     * @param values like {@code keys}: of the same type, with scales for the same
     * @param out receives {@code [tokens, heads * headDim]} F32
     */
    record Arguments(
            Matrix q, KvCacheTensor keys, KvCacheTensor values, Batch batch, Parameters parameters, Matrix out) {

        /** @throws IllegalArgumentException if the operation does not take these operands */
        public Arguments {
            KvCacheLayout layout = parameters.layout();
            Operands.requireF32("q", q);
            Operands.requireShape("q", q, q.rows(), (long) parameters.heads() * layout.headDim());
            Operands.requireF32("out", out);
            Operands.requireShape("out", out, q.rows(), q.columns());
            keys.check("keys", layout);
            values.check("values", layout);
            Operands.requireType(
                    "values", values.numbers(), Set.of(keys.numbers().dtype()));
            if (keys.hasTokenScales() != values.hasTokenScales()) {
                throw new IllegalArgumentException("keys and values must both have scales for tokens, or neither");
            }
            long sequences = batch.contextLengths().columns();
            Operands.requireInts("contextLengths", batch.contextLengths(), sequences);
            Operands.requireInts("queryStarts", batch.queryStarts(), sequences + 1);
            Operands.requireType("pageTable", batch.pageTable(), Set.of(DType.I32));
            Operands.requireShape(
                    "pageTable", batch.pageTable(), sequences, batch.pageTable().columns());
            Operands.requireIntRows("q", q);
            Operands.requireIntColumns("q", q);
        }
    }

    void attend(Arguments arguments, Stream stream);
}
