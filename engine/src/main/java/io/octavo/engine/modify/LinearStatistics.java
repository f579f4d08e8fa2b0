package io.octavo.engine.modify;

import io.octavo.engine.solve.scale.WeightFormat;
import java.util.Optional;

/** What data showed of the inputs of Linears, and what their weights are. Arrays are the caller's. */
public interface LinearStatistics {

    /** Whether keys and values may change: not where scales of what the KV cache holds were measured already. */
    boolean mayChangeValues();

    /** The largest magnitude of every input channel: {@code [inFeatures]}, finite and at least 0. */
    float[] inputMagnitudes(String module);

    /** E[x²] of every input channel: {@code [inFeatures]}, at least 0; of modules for which that was asked. */
    float[] inputSquares(String module);

    /** The largest magnitude of every column of the weight: {@code [inFeatures]}, finite and at least 0. */
    float[] weightMagnitudes(String module);

    /** The largest magnitude of every row of the weight: {@code [outFeatures]}, finite and at least 0. */
    float[] rowMagnitudes(String module);

    /** Rows of the weight, spread evenly: {@code [at most most, inFeatures]}, row-major. */
    float[] weightRows(String module, int most);

    /**
     * How the weight is to be stored; empty if it stays as it is.
     *
     * @param absmax of all weights that share a scale with it
     */
    Optional<WeightFormat> format(String module, float absmax);
}
