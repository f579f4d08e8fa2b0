package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.annotation.JsonRootName;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.octavo.jobs.problem.FieldError;
import jakarta.validation.Valid;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.annotation.JsonTypeResolver;

/**
 * Serve a checkpoint and its baseline in turn under the same load, and measure both.
 *
 * @param requests that are measured
 * @param warmUpRequests before them in each round of the warm-up, which are not
 * @param concurrency clients of a closed loop; 32 where no rate is given
 * @param requestsPerSecond the rate of a Poisson process, in place of a closed loop
 * @param maxSequences texts that are continued at once
 * @param seed the same one gives the same prompts, lengths and arrivals
 */
@JsonRootName("BenchmarkJob")
public record BenchmarkSpec(
        @NotNull SourceUri source,

        @NotNull @JsonPropertyDescription("what the source is compared with; it is measured first")
        SourceUri baseline,

        @Min(1) @Max(100_000) Integer requests,

        @Min(0) @Max(100_000) @JsonPropertyDescription(
                "of each round of the warm-up, which ends when a round is no faster than those before; 8 where it is absent, 0 for none")
        Integer warmUpRequests,

        @NotNull @Valid Length inputTokens,
        @NotNull @Valid Length outputTokens,

        @Min(1) @Max(1024) @JsonInclude(JsonInclude.Include.NON_NULL)
        @JsonPropertyDescription(
                "clients that send the next request when the last has ended; 32 where no rate is given")
        @Nullable Integer concurrency,

        @DecimalMin("0.001") @DecimalMax("100000") @JsonInclude(JsonInclude.Include.NON_NULL)
        @JsonPropertyDescription(
                "requests come on their own, in a Poisson process of this rate, in place of clients in a loop")
        @Nullable Double requestsPerSecond,

        @Min(1) @Max(1024) @JsonInclude(JsonInclude.Include.NON_NULL)
        @JsonPropertyDescription("texts that are continued at once; as many as clients, or 64, where it is absent")
        @Nullable Integer maxSequences,

        @OneOf({KV_AUTO, KV_BF16, KV_FP8, KV_INT8})
        @JsonPropertyDescription(
                "how keys and values are kept; auto: FP8 where there are scales for it, else 16 bits, on a processor 32")
        String kvCache,

        @Min(0) long seed,

        @OneOf({Devices.AUTO, Devices.CPU, Devices.CUDA}) String device,
        @Valid @JsonUnwrapped Scheduling scheduling)
        implements SingleJobSpec {

    public static final String TYPE = "benchmark";
    public static final String KV_AUTO = "auto";
    public static final String KV_BF16 = "bf16";
    public static final String KV_FP8 = "fp8";
    public static final String KV_INT8 = "int8";

    private static final int DEFAULT_REQUESTS = 200;
    private static final int DEFAULT_WARM_UP = 8;
    private static final int DEFAULT_CONCURRENCY = 32;
    private static final int MOST_TOKENS = 1 << 20;

    /** How many tokens prompts or texts have. */
    @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
    @JsonTypeResolver(ObjectForm.class)
    @JsonSubTypes({
        @JsonSubTypes.Type(name = FixedLength.TYPE, value = FixedLength.class),
        @JsonSubTypes.Type(name = UniformLength.TYPE, value = UniformLength.class),
        @JsonSubTypes.Type(name = LognormalLength.TYPE, value = LognormalLength.class)
    })
    public sealed interface Length {

        /** No prompt or text has more tokens. */
        int most();

        /** What is wrong between members that are each right. */
        default Optional<FieldError> contradiction() {
            return Optional.empty();
        }
    }

    /** All alike. */
    @JsonRootName("FixedLength")
    public record FixedLength(
            @NotNull @Min(1) @Max(MOST_TOKENS) Integer tokens) implements Length {
        static final String TYPE = "fixed";

        @Override
        public int most() {
            return tokens;
        }
    }

    /** Each from {@code min} to {@code max} is as likely as the others. */
    @JsonRootName("UniformLength")
    public record UniformLength(
            @NotNull @Min(1) @Max(MOST_TOKENS) Integer min,
            @NotNull @Min(1) @Max(MOST_TOKENS) Integer max) implements Length {
        static final String TYPE = "uniform";

        @Override
        public int most() {
            return max;
        }

        @Override
        public Optional<FieldError> contradiction() {
            return min <= max
                    ? Optional.empty()
                    : Optional.of(new FieldError("max", "is less than min: " + max + " < " + min));
        }
    }

    /**
     * With few long ones, as chats have them.
     *
     * @param sigma standard deviation of the natural logarithm
     * @param max what is longer is cut to it
     */
    @JsonRootName("LognormalLength")
    public record LognormalLength(
            @NotNull @Min(1) @Max(MOST_TOKENS) Integer median,

            @NotNull @DecimalMin("0") @DecimalMax("10") @JsonPropertyDescription("standard deviation of the natural logarithm")
            Double sigma,

            @NotNull @Min(1) @Max(MOST_TOKENS) Integer max)
            implements Length {
        static final String TYPE = "lognormal";

        @Override
        public int most() {
            return max;
        }

        @Override
        public Optional<FieldError> contradiction() {
            return median <= max
                    ? Optional.empty()
                    : Optional.of(new FieldError("max", "is less than median: " + max + " < " + median));
        }
    }

    public BenchmarkSpec {
        requests = Objects.requireNonNullElse(requests, DEFAULT_REQUESTS);
        warmUpRequests = Objects.requireNonNullElse(warmUpRequests, DEFAULT_WARM_UP);
        concurrency =
                concurrency == null && requestsPerSecond == null ? Integer.valueOf(DEFAULT_CONCURRENCY) : concurrency;
        kvCache = Objects.requireNonNullElse(kvCache, KV_AUTO);
        device = Objects.requireNonNullElse(device, Devices.AUTO);
    }

    @Override
    public String type() {
        return TYPE;
    }

    @Override
    public List<SourceUri> sources() {
        return List.of(source, baseline);
    }

    @Override
    public List<FieldError> contradictions() {
        List<FieldError> errors = new ArrayList<>();
        inputTokens.contradiction().ifPresent(wrong -> errors.add(wrong.below("inputTokens")));
        outputTokens.contradiction().ifPresent(wrong -> errors.add(wrong.below("outputTokens")));
        if (concurrency != null && requestsPerSecond != null) {
            errors.add(new FieldError(
                    "requestsPerSecond", "goes without concurrency: one of them says when requests come"));
        }
        return errors;
    }
}
