package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.annotation.JsonRootName;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.octavo.engine.request.EvaluationTask;
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
import tools.jackson.databind.annotation.JsonTypeResolver;

/** One measurement of an evaluate job. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonTypeResolver(ObjectForm.class)
@JsonSubTypes({
    @JsonSubTypes.Type(name = TaskSpec.Perplexity.TYPE, value = TaskSpec.Perplexity.class),
    @JsonSubTypes.Type(name = TaskSpec.MultipleChoice.TYPE, value = TaskSpec.MultipleChoice.class),
    @JsonSubTypes.Type(name = TaskSpec.Generation.TYPE, value = TaskSpec.Generation.class),
    @JsonSubTypes.Type(name = TaskSpec.Divergence.TYPE, value = TaskSpec.Divergence.class),
    @JsonSubTypes.Type(name = TaskSpec.Smoke.TYPE, value = TaskSpec.Smoke.class)
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
            case MultipleChoice choice ->
                Optional.of(
                        choice.format().equals(MultipleChoice.MMLU_CSV)
                                ? choice.dataset().asFolder()
                                : choice.dataset());
            case Generation generation -> Optional.empty();
            case Smoke smoke -> Optional.empty();
        };
    }

    /** Whether there must be a baseline. */
    default boolean compares() {
        return this instanceof Divergence || this instanceof Smoke;
    }

    /** What is wrong between members that are each right. */
    default Optional<FieldError> contradiction() {
        return Optional.empty();
    }

    /**
     * @param windows null for disjoint ones, which are left out of the JSON, so that a worker of the release before can
     *     still read the spec
     * @param maxWindows only the first so many windows; all when absent
     */
    @JsonRootName("PerplexityTask")
    record Perplexity(
            @Size(max = MAX_NAME) String name,
            @NotNull DatasetReference dataset,

            @OneOf({DISJOINT, ROLLING, SLIDING})
            @JsonPropertyDescription(
                    "disjoint, where it is absent: BOS before each, the rest is dropped; rolling: lm-evaluation-harness's loglikelihood_rolling;"
                            + " sliding: every stride tokens, as the guide of transformers has it")
            @Nullable String windows,

            @Min(1) @Max(1 << 20) Integer windowTokens,

            @Min(1) @Max(1 << 20) @JsonPropertyDescription("of sliding windows alone; half of windowTokens where it is absent")
            @Nullable Integer stride,

            @Min(1) @Nullable Integer maxWindows)
            implements TaskSpec {

        public static final String TYPE = "perplexity";
        public static final String DISJOINT = "disjoint";
        public static final String ROLLING = "rolling";
        public static final String SLIDING = "sliding";

        public Perplexity {
            name = Objects.requireNonNullElse(name, TYPE);
            windows = DISJOINT.equals(windows) ? null : windows;
            windowTokens = Objects.requireNonNullElse(windowTokens, DEFAULT_WINDOW);
            stride = stride == null && SLIDING.equals(windows) ? Integer.valueOf((windowTokens + 1) / 2) : stride;
        }

        /** How the engine cuts the text. */
        public EvaluationTask.Windowing windowing() {
            return switch (windows) {
                case null -> new EvaluationTask.Windowing.Disjoint(windowTokens);
                case ROLLING -> new EvaluationTask.Windowing.Rolling(windowTokens);
                case SLIDING ->
                    new EvaluationTask.Windowing.Sliding(windowTokens, Objects.requireNonNull(stride, "defaulted"));
                default -> throw new IllegalStateException("windows " + windows);
            };
        }

        @Override
        public Optional<FieldError> contradiction() {
            if (stride == null) {
                return Optional.empty();
            }
            if (!SLIDING.equals(windows)) {
                return Optional.of(new FieldError("stride", "goes with sliding windows alone"));
            }
            return stride <= windowTokens
                    ? Optional.empty()
                    : Optional.of(
                            new FieldError("stride", "must be at most windowTokens: " + stride + " > " + windowTokens));
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

    /** @param maxItems only the first so many items, of MMLU of each subject; all when absent */
    @JsonRootName("MultipleChoiceTask")
    record MultipleChoice(
            @Size(max = MAX_NAME) String name,
            @NotNull DatasetReference dataset,

            @OneOf({JSONL, MMLU_CSV})
            @JsonPropertyDescription(
                    "jsonl: a file with context, choices and answer in each line; mmlu-csv: a folder with SUBJECT_test.csv"
                            + " and SUBJECT_dev.csv")
            String format,

            @Min(0) @Max(MOST_EXAMPLES) @JsonPropertyDescription("of mmlu-csv alone: examples before each question; 5 where it is absent")
            @Nullable Integer fewShot,

            @Min(1) @Nullable Integer maxItems)
            implements TaskSpec {

        public static final String TYPE = "multiple-choice";
        public static final String JSONL = "jsonl";
        public static final String MMLU_CSV = "mmlu-csv";

        static final int MOST_EXAMPLES = 100;
        private static final int DEFAULT_EXAMPLES = 5;

        public MultipleChoice {
            name = Objects.requireNonNullElse(name, TYPE);
            format = Objects.requireNonNullElse(format, JSONL);
            fewShot = fewShot == null && format.equals(MMLU_CSV) ? Integer.valueOf(DEFAULT_EXAMPLES) : fewShot;
        }

        /** How the engine reads the items. */
        public EvaluationTask.ChoiceFormat choiceFormat() {
            return format.equals(MMLU_CSV)
                    ? new EvaluationTask.ChoiceFormat.MmluCsv(Objects.requireNonNull(fewShot, "defaulted"))
                    : new EvaluationTask.ChoiceFormat.Jsonl();
        }

        @Override
        public Optional<FieldError> contradiction() {
            return fewShot != null && !format.equals(MMLU_CSV)
                    ? Optional.of(new FieldError("fewShot", "goes with format " + MMLU_CSV + " alone"))
                    : Optional.empty();
        }
    }

    /** A fixed set of prompts through the model and the job's baseline, and a verdict. */
    @JsonRootName("SmokeTask")
    record Smoke(@Size(max = MAX_NAME) String name) implements TaskSpec {

        public static final String TYPE = "smoke";

        public Smoke {
            name = Objects.requireNonNullElse(name, TYPE);
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
