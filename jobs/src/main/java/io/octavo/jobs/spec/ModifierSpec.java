package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.annotation.JsonRootName;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.octavo.engine.modify.Modifier;
import io.octavo.engine.modify.SmoothQuant;
import jakarta.validation.constraints.DecimalMax;
import jakarta.validation.constraints.DecimalMin;
import java.util.Objects;

/** How a request spells an engine's modifier: its settings, their limits and what they are where none is given. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes(@JsonSubTypes.Type(name = ModifierSpec.Smoothing.TYPE, value = ModifierSpec.Smoothing.class))
public sealed interface ModifierSpec {

    /** What the engine does. */
    Modifier modifier();

    /** @param alpha how much of the difficulty moves from activations to weights */
    @JsonRootName("SmoothQuantModifier")
    record Smoothing(
            @DecimalMin("0") @DecimalMax("1") @JsonPropertyDescription("how much moves from activations to weights; 0.5 where it is absent")
            Double alpha)
            implements ModifierSpec {

        public static final String TYPE = "smoothquant";

        public Smoothing {
            alpha = Objects.requireNonNullElse(alpha, SmoothQuant.DEFAULT_ALPHA);
        }

        @Override
        public Modifier modifier() {
            return new SmoothQuant(alpha);
        }
    }
}
