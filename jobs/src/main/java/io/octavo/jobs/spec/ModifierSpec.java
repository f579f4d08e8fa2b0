package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.annotation.JsonRootName;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.octavo.engine.modify.Awq;
import io.octavo.engine.modify.Equalization;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.modify.Modifier;
import io.octavo.engine.modify.SmoothQuant;
import io.octavo.jobs.problem.ProblemException;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.annotation.JsonTypeResolver;

/** How a request spells an engine's modifier: its settings, their limits and what they are where none is given. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonTypeResolver(ObjectForm.class)
@JsonSubTypes({
    @JsonSubTypes.Type(name = ModifierSpec.Smoothing.TYPE, value = ModifierSpec.Smoothing.class),
    @JsonSubTypes.Type(name = ModifierSpec.ActivationAware.TYPE, value = ModifierSpec.ActivationAware.class),
    @JsonSubTypes.Type(name = ModifierSpec.Equalizing.TYPE, value = ModifierSpec.Equalizing.class),
    @JsonSubTypes.Type(name = ModifierSpec.Solving.TYPE, value = ModifierSpec.Solving.class)
})
public sealed interface ModifierSpec {

    /** What the engine does. */
    Modifier modifier();

    /**
     * Reads one that stands in no job.
     *
     * @throws ProblemException {@code invalid-request} with every wrong member
     */
    static ModifierSpec read(JsonNode json) {
        return SpecJson.read(json, "", ModifierSpec.class);
    }

    /** @param alpha how much of the difficulty moves from activations to weights */
    @JsonRootName("SmoothQuantModifier")
    record Smoothing(
            @DecimalMin("0") @DecimalMax("1") @JsonPropertyDescription(
                    "how much moves from activations to weights; where it is absent, each input gets what costs least")
            @Nullable Double alpha)
            implements ModifierSpec {

        public static final String TYPE = "smoothquant";

        @Override
        public Modifier modifier() {
            return alpha == null ? new SmoothQuant() : new SmoothQuant(alpha);
        }
    }

    /** Larger weights for input channels that matter. */
    @JsonRootName("AwqModifier")
    record ActivationAware() implements ModifierSpec {

        public static final String TYPE = "awq";

        @Override
        public Modifier modifier() {
            return new Awq();
        }
    }

    /** Equal ranges of channels between Linears. */
    @JsonRootName("EqualizationModifier")
    record Equalizing() implements ModifierSpec {

        public static final String TYPE = "equalization";

        @Override
        public Modifier modifier() {
            return new Equalization();
        }
    }

    /** Codes that are solved in place of rounding. */
    @JsonRootName("GptqModifier")
    record Solving(
            @DecimalMin("0.0001") @DecimalMax("1") @JsonPropertyDescription("share of the mean diagonal that is added to it; 0.01 where it is absent")
            Double dampening,

            @JsonPropertyDescription("columns from those with the largest inputs on; true where it is absent")
            Boolean actOrder,

            @JsonPropertyDescription("scales that rounding costs least under; true where it is absent")
            Boolean searchScales,

            @JsonPropertyDescription("codes and scales are improved in turn afterwards; true where it is absent")
            Boolean refine,

            @JsonPropertyDescription("layers see what solved layers before them give; true where it is absent")
            Boolean propagateError,

            @JsonPropertyDescription(
                    "what original Linears give in the original model is sought; true where it is absent")
            Boolean matchOriginals)
            implements ModifierSpec {

        public static final String TYPE = "gptq";

        public Solving {
            var usual = new Gptq();
            dampening = Objects.requireNonNullElse(dampening, usual.dampening());
            actOrder = Objects.requireNonNullElse(actOrder, usual.actOrder());
            searchScales = Objects.requireNonNullElse(searchScales, usual.searchScales());
            refine = Objects.requireNonNullElse(refine, usual.refine());
            propagateError = Objects.requireNonNullElse(propagateError, usual.propagateError());
            matchOriginals = Objects.requireNonNullElse(matchOriginals, usual.matchOriginals());
        }

        @Override
        public Modifier modifier() {
            return new Gptq(dampening, actOrder, searchScales, refine, propagateError, matchOriginals);
        }
    }
}
