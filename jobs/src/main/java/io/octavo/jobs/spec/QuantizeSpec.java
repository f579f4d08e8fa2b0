package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.annotation.JsonRootName;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.octavo.engine.request.Budget.Limit;
import io.octavo.engine.request.CalibrationShape;
import io.octavo.engine.request.KvCacheQuantization;
import io.octavo.engine.request.Recipe;
import io.octavo.hub.RepositoryName;
import io.octavo.jobs.problem.FieldError;
import jakarta.validation.Valid;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Quantize a checkpoint into a repository of this service.
 *
 * @param ignore modules to leave alone: exact names or {@code re:<regex>}
 * @param overrides modules that get other schemes
 * @param kvCache what scales of the KV cache are stored; empty for none
 * @param modifiers what changes weights before they are rounded
 * @param calibration data for modifiers and for schemes that store scales of activations
 * @param budget what limits which schemes modules get where they need not all get this one; empty for no choice
 * @param device {@code auto}, {@code cpu} or {@code cuda}
 * @param reuse an artifact that was made before of the same bytes in the same way will do
 */
@JsonRootName("QuantizeJob")
public record QuantizeSpec(
        @NotNull SourceUri source,

        @NotNull @Size(max = MAX_NAME) @JsonPropertyDescription("a scheme of GET /schemes")
        String scheme,

        @NotNull @JsonPropertyDescription("the repository that receives the artifact, namespace/name")
        RepositoryName target,

        @Size(max = MAX_NAME) @JsonPropertyDescription("a layout of GET /schemes; compressed-tensors where it is absent")
        String layout,

        @Size(max = 1000) @JsonPropertyDescription("modules to leave alone: exact names or re:<regex>")
        List<@NotNull @Size(max = MAX_PATTERN) String> ignore,

        @Size(max = 64) @JsonInclude(JsonInclude.Include.NON_EMPTY)
        List<@NotNull @Valid SchemeOverride> overrides,

        @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<@Valid KvCache> kvCache,

        @Size(max = 8) @JsonInclude(JsonInclude.Include.NON_EMPTY)
        @JsonPropertyDescription("what changes weights before they are rounded, in this order; needs calibration")
        List<@NotNull @Valid ModifierSpec> modifiers,

        @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<@Valid Calibration> calibration,

        @JsonInclude(JsonInclude.Include.NON_ABSENT)
        @JsonPropertyDescription(
                "modules that rounding hurts most get other schemes, within a limit; needs calibration")
        Optional<@Valid Budget> budget,

        @OneOf({Devices.AUTO, Devices.CPU, Devices.CUDA}) String device,

        @JsonInclude(value = JsonInclude.Include.CUSTOM, valueFilter = OmitTrue.class)
        @JsonPropertyDescription("false: make the artifact even if there is the same one")
        Boolean reuse,

        @Valid @JsonUnwrapped Scheduling scheduling)
        implements SingleJobSpec {

    public static final String TYPE = "quantize";
    public static final String DEFAULT_LAYOUT = "compressed-tensors";

    static final int MAX_NAME = 128;

    static final int MAX_PATTERN = 512;
    private static final List<String> RECIPE =
            List.of("scheme", "layout", "ignore", "overrides", "kvCache", "modifiers", "calibration", "budget");

    /** Modules by exact names or {@code re:<regex>}, and their scheme. */
    @JsonRootName("SchemeOverrideRequest")
    public record SchemeOverride(
            @NotNull @Size(max = MAX_NAME) String scheme,

            @NotEmpty(message = "must name at least one module") @Size(max = 1000) List<@NotNull @Size(max = MAX_PATTERN) String> targets) {

        public SchemeOverride {
            targets = SpecJson.list(targets);
        }
    }

    /**
     * @param type {@code fp8}, or {@code int8}, which vLLM does not take
     * @param granularity {@code tensor} or {@code head}
     */
    @JsonRootName("KvCacheRequest")
    public record KvCache(
            @NotNull @OneOf({FP8, INT8}) String type,
            @OneOf({PER_TENSOR, PER_HEAD}) String granularity) {

        public static final String FP8 = "fp8";
        public static final String INT8 = "int8";
        public static final String PER_TENSOR = "tensor";
        public static final String PER_HEAD = "head";

        public KvCache {
            granularity = Objects.requireNonNullElse(granularity, PER_TENSOR);
        }

        private KvCacheQuantization quantization() {
            boolean heads = granularity.equals(PER_HEAD);
            if (type.equals(INT8)) {
                return heads ? KvCacheQuantization.INT8_PER_HEAD : KvCacheQuantization.INT8_PER_TENSOR;
            }
            return heads ? KvCacheQuantization.FP8_PER_HEAD : KvCacheQuantization.FP8_PER_TENSOR;
        }
    }

    /** What a model is run on to learn its activations; see the engine's {@code CalibrationData}. */
    @JsonRootName("CalibrationRequest")
    public record Calibration(
            @NotNull DatasetReference dataset,
            @Min(1) @Max(100_000) Integer samples,
            @Min(1) @Max(1 << 20) Integer sequenceLength,
            @Min(0) int seed) {

        public Calibration {
            samples = Objects.requireNonNullElse(samples, 512);
            sequenceLength = Objects.requireNonNullElse(sequenceLength, 2048);
        }

        private CalibrationShape shape() {
            return new CalibrationShape(samples, sequenceLength, seed);
        }
    }

    /** What modules may get besides the job's scheme, within one of two limits. */
    @JsonRootName("BudgetRequest")
    public record Budget(
            @DecimalMin("1") @DecimalMax("16") @JsonInclude(JsonInclude.Include.NON_NULL)
            @JsonPropertyDescription("a weight's bits on average, scales included: least is lost within them")
            @Nullable Double bits,

            @DecimalMin("1") @DecimalMax("100") @JsonInclude(JsonInclude.Include.NON_NULL)
            @JsonPropertyDescription(
                    "times the original model's perplexity on the calibration's texts: fewest bytes are spent for it")
            @Nullable Double perplexityRatio,

            @Size(max = 8) @JsonPropertyDescription("schemes, or 16 for none; what suits the scheme where it is absent")
            List<@NotNull @Size(max = MAX_NAME) String> candidates) {

        public Budget {
            candidates = SpecJson.list(candidates);
        }

        /** Empty unless exactly one is there. */
        private Optional<Limit> limit() {
            Optional<Limit> most = Optional.ofNullable(bits).map(io.octavo.engine.request.Budget.Bits::new);
            Optional<Limit> worst =
                    Optional.ofNullable(perplexityRatio).map(io.octavo.engine.request.Budget.PerplexityRatio::new);
            return most.isPresent() && worst.isPresent() ? Optional.empty() : most.or(() -> worst);
        }

        private io.octavo.engine.request.Budget budget(String scheme) {
            Limit limit = limit().orElseThrow();
            return candidates.isEmpty()
                    ? io.octavo.engine.request.Budget.of(limit, scheme)
                    : new io.octavo.engine.request.Budget(limit, candidates);
        }
    }

    /** Leaves {@code reuse} out of the JSON unless it is false, so that a worker of the release before can read it. */
    static final class OmitTrue {

        @Override
        public boolean equals(@Nullable Object other) {
            return Boolean.TRUE.equals(other);
        }

        @Override
        public int hashCode() {
            return Boolean.TRUE.hashCode();
        }
    }

    public QuantizeSpec {
        layout = Objects.requireNonNullElse(layout, DEFAULT_LAYOUT);
        ignore = SpecJson.list(ignore);
        overrides = SpecJson.list(overrides);
        kvCache = Objects.requireNonNullElse(kvCache, Optional.empty());
        modifiers = SpecJson.list(modifiers);
        calibration = Objects.requireNonNullElse(calibration, Optional.empty());
        budget = Objects.requireNonNullElse(budget, Optional.empty());
        device = Objects.requireNonNullElse(device, Devices.AUTO);
        reuse = Objects.requireNonNullElse(reuse, true);
    }

    @Override
    public String type() {
        return TYPE;
    }

    @Override
    public List<DatasetReference> data() {
        return calibration.map(Calibration::dataset).stream().toList();
    }

    @Override
    public List<FieldError> contradictions() {
        var found = new ArrayList<FieldError>();
        long types = modifiers.stream().map(Object::getClass).distinct().count();
        if (types != modifiers.size()) {
            found.add(new FieldError("modifiers", "must not hold two of a type"));
        }
        if (budget.isPresent() && budget.get().limit().isEmpty()) {
            found.add(new FieldError("budget", "must hold either bits or perplexityRatio"));
        }
        return found;
    }

    /** What the engine plans and does. */
    public Recipe recipe() {
        return new Recipe(
                scheme,
                layout,
                ignore,
                overrides.stream()
                        .map(override -> new io.octavo.engine.request.SchemeOverride(override.scheme, override.targets))
                        .toList(),
                kvCache.map(KvCache::quantization),
                modifiers.stream().map(ModifierSpec::modifier).toList(),
                calibration.map(Calibration::shape),
                budget.map(limit -> limit.budget(scheme)));
    }

    /**
     * The recipe as text. All that decides what the artifact holds, besides the bytes of source and data: neither where they lie, nor where
     * the result goes, nor on what and when it is made.
     */
    public ObjectNode recipeJson() {
        ObjectNode json = toJson().retain(RECIPE);
        ignore.stream().sorted().distinct().forEach(json.putArray("ignore")::add);
        if (json.get("calibration") instanceof ObjectNode data) {
            data.remove("dataset");
        }
        return json;
    }
}
