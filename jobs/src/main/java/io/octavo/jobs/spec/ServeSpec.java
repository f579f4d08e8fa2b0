package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.annotation.JsonRootName;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.octavo.jobs.problem.FieldError;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Serve a checkpoint until somebody stops it, or its time is up. Its type goes without saying, since a deployment is asked for
 * by a call of its own.
 *
 * @param name by which calls name it; the repository's own where none is given
 * @param idle how long nobody may call before it stops
 */
@JsonRootName("DeploymentRequest")
@JsonTypeInfo(use = JsonTypeInfo.Id.NONE)
@JsonInclude(JsonInclude.Include.NON_ABSENT)
public record ServeSpec(
        @OneOf(ServeSpec.TYPE) String type,

        @NotNull SourceUri source,

        @Pattern(
                regexp = NAME,
                message = "must be 1 to 96 letters, digits, '.', '_' or '-', starting with a letter or digit")
        @JsonPropertyDescription("by which calls name it; the repository's name where it is absent")
        @Nullable String name,

        @Min(1) @JsonPropertyDescription("most tokens of a prompt and its text together; what the model was trained for")
        @Nullable Integer maxModelLength,

        @Min(1) @Max(MOST_SEQUENCES) @JsonPropertyDescription("texts that are continued at once")
        Integer maxSequences,

        @OneOf({"auto", "f32", "bf16", "fp8", "int8"}) String kvCache,

        @Min(1) @JsonPropertyDescription("memory for keys and values; a share of the worker's where it is absent")
        @Nullable Integer kvCacheMebibytes,

        @OneOf({"FP8_DYNAMIC", "FP8_W8A16", "W8A8", "W8A16_CHANNEL"})
        @JsonPropertyDescription("what weights of 16 bits are rounded to while they are loaded")
        @Nullable String onlineQuantization,

        @JsonPropertyDescription("how long it is served, from when it was ready first: PT1S to PT720H")
        Optional<Duration> ttl,

        @JsonPropertyDescription("how long nobody may call before it stops, likewise")
        Optional<Duration> idle,

        @OneOf({Devices.AUTO, Devices.CPU, Devices.CUDA}) String device,
        @Valid @JsonUnwrapped Scheduling scheduling)
        implements JobSpec {

    public static final String TYPE = "serve";

    private static final String NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,95}";
    private static final int MOST_SEQUENCES = 1024;
    private static final int SEQUENCES = 64;

    public ServeSpec {
        type = Objects.requireNonNullElse(type, TYPE);
        name = name == null ? ownName(source) : name;
        maxSequences = Objects.requireNonNullElse(maxSequences, SEQUENCES);
        kvCache = Objects.requireNonNullElse(kvCache, "auto");
        ttl = Objects.requireNonNullElse(ttl, Optional.empty());
        idle = Objects.requireNonNullElse(idle, Optional.empty());
        device = Objects.requireNonNullElse(device, Devices.AUTO);
    }

    private static @Nullable String ownName(@Nullable SourceUri source) {
        return source instanceof SourceUri.Hub hub ? hub.repository().name() : null;
    }

    /** The same of this revision, so that whichever worker takes it serves the same model. */
    public ServeSpec pinned(String revision) {
        return source instanceof SourceUri.Hub hub
                ? new ServeSpec(
                        type,
                        new SourceUri.Hub(hub.repository(), revision),
                        name,
                        maxModelLength,
                        maxSequences,
                        kvCache,
                        kvCacheMebibytes,
                        onlineQuantization,
                        ttl,
                        idle,
                        device,
                        scheduling)
                : this;
    }

    /** Its name, which every spec has that was read. */
    public String servedName() {
        return Objects.requireNonNull(name);
    }

    /** By which calls may name it as well. */
    public Optional<String> repository() {
        return source instanceof SourceUri.Hub hub
                ? Optional.of(hub.repository().toString())
                : Optional.empty();
    }

    @Override
    public List<SourceUri> sources() {
        return List.of(source);
    }

    @Override
    public List<FieldError> contradictions() {
        List<FieldError> errors = new ArrayList<>();
        if (name == null) {
            errors.add(new FieldError("name", "is required where the source has none that calls could use"));
        }
        if (source instanceof SourceUri.Step) {
            errors.add(new FieldError("source", "must not be a step:, since a deployment is no step of a pipeline"));
        }
        if (scheduling.timeout().isPresent()) {
            errors.add(new FieldError("timeout", "is not for deployments, which end by ttl and idle"));
        }
        if (scheduling.phaseTimeout().isPresent()) {
            errors.add(new FieldError("phaseTimeout", "is not for deployments, which end by ttl and idle"));
        }
        return errors;
    }
}
