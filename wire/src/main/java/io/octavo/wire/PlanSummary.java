package io.octavo.wire;

import org.jspecify.annotations.Nullable;

/**
 * What planning found of a quantize job, from headers alone, when it was submitted.
 *
 * @param revision of the source that was looked at; null where it has none
 * @param label that the artifact will have
 * @param weightBits bits a weight of the quantized modules, scales included
 * @param inputBytes tensor bytes that are read
 * @param outputBytes tensor bytes that are written
 */
public record PlanSummary(
        @Nullable String revision,
        String label,
        double weightBits,
        long inputBytes,
        long outputBytes,
        Resources resources) {

    /**
     * Upper bounds, except the time.
     *
     * @param hostBytes memory of the process
     * @param deviceBytes memory of the device, beside the host's where it is a GPU
     * @param diskBytes scratch: the source's files and the result
     * @param seconds an estimate for the work itself
     */
    public record Resources(long hostBytes, long deviceBytes, long diskBytes, double seconds) {}
}
