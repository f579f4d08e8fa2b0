package io.octavo.engine.serve;

import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import org.jspecify.annotations.Nullable;

/**
 * How a model is served. What is null is chosen by model and device.
 *
 * @param maxModelLength most tokens of a prompt and its text; at most what the model was trained for, and never more than the
 *     cache holds
 * @param maxSequences texts that are continued at once
 * @param batchTokens most tokens of a forward pass: beside those that go on, prompts are computed in pieces of what is left
 * @param cacheBytes of keys and values
 * @param cacheType F32, BF16, F8_E4M3 or I8; null for 8-bit floats if the checkpoint has scales for them, else for what the
 *     device multiplies
 * @param reusesPrefixes whether pages whose tokens begin another prompt are used again
 * @param maxWaiting texts that wait, of all clients
 * @param maxWaitingOfClient of one client
 * @param scheme what plain weights of Linears are rounded to while they are loaded, of 8 bits and a scale a channel:
 *     {@code FP8_DYNAMIC}, {@code FP8_W8A16}, {@code W8A8} or {@code W8A16_CHANNEL}. Null to leave weights as they are
 */
public record ServingOptions(
        @Nullable Integer maxModelLength,
        int maxSequences,
        @Nullable Integer batchTokens,
        @Nullable Long cacheBytes,
        @Nullable DType cacheType,
        boolean reusesPrefixes,
        int maxWaiting,
        int maxWaitingOfClient,
        @Nullable Scheme scheme) {

    private static final int SEQUENCES = 64;
    private static final int WAITING = 1024;
    private static final int WAITING_OF_CLIENT = 512;

    /** @throws IllegalArgumentException if a number is not positive, or the cache cannot be of the type */
    public ServingOptions {
        Ranges.require("maxSequences", maxSequences, 1, MOST_SEQUENCES);
        Ranges.require("maxWaiting", maxWaiting, 1, Integer.MAX_VALUE);
        Ranges.require("maxWaitingOfClient", maxWaitingOfClient, 1, Integer.MAX_VALUE);
        if (maxModelLength != null) {
            Ranges.require("maxModelLength", maxModelLength, 1, Integer.MAX_VALUE);
        }
        if (batchTokens != null) {
            Ranges.require("batchTokens", batchTokens, maxSequences, Integer.MAX_VALUE);
        }
        if (cacheBytes != null) {
            Ranges.require("cacheBytes", cacheBytes, 1, Long.MAX_VALUE);
        }
        if (cacheType != null
                && cacheType != DType.F32
                && cacheType != DType.BF16
                && cacheType != DType.F8_E4M3
                && cacheType != DType.I8) {
            throw new IllegalArgumentException("cacheType is " + cacheType + "; allowed: F32, BF16, F8_E4M3, I8");
        }
    }

    public static final int MOST_SEQUENCES = 1024;

    /** The same with weights rounded while they are loaded. */
    public ServingOptions rounding(Scheme toScheme) {
        return new ServingOptions(
                maxModelLength,
                maxSequences,
                batchTokens,
                cacheBytes,
                cacheType,
                reusesPrefixes,
                maxWaiting,
                maxWaitingOfClient,
                toScheme);
    }

    /**
     * The usual ones but for these.
     *
     * @param cache {@code auto}, {@code f32}, {@code bf16}, {@code fp8} or {@code int8}
     */
    public static ServingOptions of(
            @Nullable Integer maxModelLength, int maxSequences, @Nullable Long cacheBytes, String cache) {
        DType type = switch (cache) {
            case "auto" -> null;
            case "f32" -> DType.F32;
            case "bf16" -> DType.BF16;
            case "fp8" -> DType.F8_E4M3;
            case "int8" -> DType.I8;
            default -> throw new IllegalArgumentException("a KV cache is auto, f32, bf16, fp8 or int8, not " + cache);
        };
        return new ServingOptions(
                maxModelLength, maxSequences, null, cacheBytes, type, true, WAITING, WAITING_OF_CLIENT, null);
    }

    /** What suits most. */
    public static ServingOptions defaults() {
        return new ServingOptions(null, SEQUENCES, null, null, null, true, WAITING, WAITING_OF_CLIENT, null);
    }
}
