package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonRootName;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.octavo.jobs.problem.FieldError;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Score a checkpoint, beside a baseline if one is given.
 *
 * @param tasks at least one, with distinct names; divergence and smoke need a baseline
 * @param gates what the scores must hold, or the job fails
 */
@JsonRootName("EvaluateJob")
public record EvaluateSpec(
        @NotNull SourceUri source,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable SourceUri baseline,

        @NotEmpty(message = "must name at least one task") @Size(max = 64) List<@NotNull @Valid TaskSpec> tasks,

        @JsonInclude(JsonInclude.Include.NON_EMPTY) @Size(max = 64) List<@NotNull @Valid GateSpec> gates,

        @OneOf({Devices.AUTO, Devices.CPU, Devices.CUDA}) String device,
        @Valid @JsonUnwrapped Scheduling scheduling)
        implements SingleJobSpec {

    public static final String TYPE = "evaluate";

    public EvaluateSpec {
        tasks = SpecJson.list(tasks);
        gates = SpecJson.list(gates);
        device = Objects.requireNonNullElse(device, Devices.AUTO);
    }

    @Override
    public String type() {
        return TYPE;
    }

    @Override
    public List<SourceUri> sources() {
        return Stream.of(source, baseline).filter(Objects::nonNull).toList();
    }

    @Override
    public List<DatasetReference> data() {
        return tasks.stream().flatMap(task -> task.data().stream()).toList();
    }

    @Override
    public List<FieldError> contradictions() {
        List<FieldError> errors = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (int i = 0; i < tasks.size(); i++) {
            String place = "tasks[" + i + "]";
            if (!names.add(tasks.get(i).name())) {
                errors.add(new FieldError(place + ".name", "is used by an earlier task"));
            }
            tasks.get(i).contradiction().ifPresent(wrong -> errors.add(wrong.below(place)));
        }
        for (int i = 0; i < gates.size(); i++) {
            gates.get(i).contradictions(tasks, baseline != null, "gates[" + i + "]", errors);
        }
        if (baseline == null) {
            tasks.stream()
                    .filter(TaskSpec::compares)
                    .findFirst()
                    .ifPresent(task -> errors.add(new FieldError("baseline", "is required by task " + task.name())));
        }
        return errors;
    }
}
