package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.annotation.JsonRootName;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.octavo.jobs.problem.FieldError;
import jakarta.validation.Valid;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One measurement of an evaluate job. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(name = TaskSpec.Perplexity.TYPE, value = TaskSpec.Perplexity.class),
    @JsonSubTypes.Type(name = TaskSpec.MultipleChoice.TYPE, value = TaskSpec.MultipleChoice.class),
    @JsonSubTypes.Type(name = TaskSpec.Generation.TYPE, value = TaskSpec.Generation.class),
    @JsonSubTypes.Type(name = TaskSpec.Divergence.TYPE, value = TaskSpec.Divergence.class)
})
@JsonInclude(JsonInclude.Include.NON_NULL)
public sealed interface TaskSpec {

    int MAX_NAME = QuantizeSpec.MAX_NAME;
    int DEFAULT_WINDOW = 512;

    /** Names the task in results; its type where none was given. */
    String name();

    /** What it reads. */
    default Optional<DatasetReference> data() {
        return switch (this) {
            case Perplexity perplexity -> Optional.of(perplexity.dataset());
            case Divergence divergence -> Optional.of(divergence.dataset());
            case MultipleChoice choice -> Optional.of(choice.dataset());
            case Generation generation -> Optional.empty();
        };
    }

    /** What is wrong between members that are each right. */
    default Optional<FieldError> contradiction() {
        return Optional.empty();
    }

    /** @param maxWindows only the first so many windows; all when absent */
    @JsonRootName("PerplexityTask")
    record Perplexity(
            @Size(max = MAX_NAME) String name,
            @NotNull DatasetReference dataset,
            @Min(1) @Max(1 << 20) Integer windowTokens,
            @Min(1) @Nullable Integer maxWindows)
            implements TaskSpec {

        public static final String TYPE = "perplexity";

        public Perplexity {
            name = Objects.requireNonNullElse(name, TYPE);
            windowTokens = Objects.requireNonNullElse(windowTokens, DEFAULT_WINDOW);
        }
    }

    /**
     * How far next tokens lie from those of the job's baseline.
     *
     * @param maxWindows only the first so many windows; all when absent
     */
    @JsonRootName("DivergenceTask")
    record Divergence(
            @Size(max = MAX_NAME) String name,
            @NotNull DatasetReference dataset,
            @Min(1) @Max(1 << 20) Integer windowTokens,
            @Min(1) @Nullable Integer maxWindows)
            implements TaskSpec {

        public static final String TYPE = "divergence";

        public Divergence {
            name = Objects.requireNonNullElse(name, TYPE);
            windowTokens = Objects.requireNonNullElse(windowTokens, DEFAULT_WINDOW);
        }
    }

    /** @param maxItems only the first so many items; all when absent */
    @JsonRootName("MultipleChoiceTask")
    record MultipleChoice(
            @Size(max = MAX_NAME) String name,
            @NotNull DatasetReference dataset,
            @OneOf(JSONL) String format,
            @Min(1) @Nullable Integer maxItems)
            implements TaskSpec {

        public static final String TYPE = "multiple-choice";
        public static final String JSONL = "jsonl";

        public MultipleChoice {
            name = Objects.requireNonNullElse(name, TYPE);
            format = Objects.requireNonNullElse(format, JSONL);
        }
    }

    /**
     * A continuation of a prompt.
     *
     * @param sampling how its tokens are drawn; the most likely ones when absent
     */
    @JsonRootName("GenerationTask")
    record Generation(
            @Size(max = MAX_NAME) String name,

            @NotNull @Size(max = 32_768) @JsonPropertyDescription("what generation goes on from")
            String prompt,

            @Min(1) @Max(4096) Integer maxTokens,

            @Valid @JsonPropertyDescription("how generation draws its tokens; the most likely ones where it is absent")
            @Nullable Sampling sampling)
            implements TaskSpec {

        public static final String TYPE = "generation";

        public Generation {
            name = Objects.requireNonNullElse(name, TYPE);
            maxTokens = Objects.requireNonNullElse(maxTokens, 64);
        }

        @Override
        public Optional<FieldError> contradiction() {
            return Optional.ofNullable(sampling)
                    .flatMap(Sampling::contradiction)
                    .map(message -> new FieldError("sampling.temperature", message));
        }
    }

    /**
     * How tokens are drawn. Of the most likely {@code topK}, the fewest that reach {@code topP} together stay, and of those
     * the ones that are at least {@code minP} times as likely as the first. Limits keep every number apart from 0 and
     * infinity in 32 bits, and quotients of logits finite.
     *
     * @param temperature 0 for the most likely token
     * @param topK 0 for all
     * @param topP 1 for all
     * @param minP 0 for all
     * @param repetitionPenalty of tokens that the prompt or the text holds; 1 for none
     * @param seed the same one draws the same text
     */
    @JsonRootName("SamplingRequest")
    record Sampling(
            @DecimalMin("0") @DecimalMax("100") Double temperature,
            @Min(0) @Max(1 << 24) int topK,
            @DecimalMin("0.001") @DecimalMax("1") Double topP,
            @DecimalMin("0") @DecimalMax("1") double minP,
            @DecimalMin("0.01") @DecimalMax("100") Double repetitionPenalty,
            @Min(0) int seed) {

        private static final double LEAST_TEMPERATURE = 0.001;

        public Sampling {
            temperature = Objects.requireNonNullElse(temperature, 1.0);
            topP = Objects.requireNonNullElse(topP, 1.0);
            repetitionPenalty = Objects.requireNonNullElse(repetitionPenalty, 1.0);
        }

        private Optional<String> contradiction() {
            if (temperature > 0 && temperature < LEAST_TEMPERATURE) {
                return Optional.of("must be 0 or at least " + LEAST_TEMPERATURE);
            }
            return temperature > 0 || equals(new Sampling(0.0, 0, 1.0, 0, repetitionPenalty, 0))
                    ? Optional.empty()
                    : Optional.of("is 0, which takes the most likely token: only repetitionPenalty goes with it");
        }
    }
}
