package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.octavo.jobs.problem.FieldError;
import java.util.List;
import tools.jackson.databind.annotation.JsonTypeResolver;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a job should do: the records are the JSON, in the order of their components, and carry its limits. What reads
 * them is {@link JobSpecReader}, which hands out none that is wrong, so that nobody needs to check one again.
 */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonTypeResolver(ObjectForm.class)
@JsonSubTypes({
    @JsonSubTypes.Type(name = QuantizeSpec.TYPE, value = QuantizeSpec.class),
    @JsonSubTypes.Type(name = ConvertSpec.TYPE, value = ConvertSpec.class),
    @JsonSubTypes.Type(name = EvaluateSpec.TYPE, value = EvaluateSpec.class),
    @JsonSubTypes.Type(name = BenchmarkSpec.TYPE, value = BenchmarkSpec.class),
    @JsonSubTypes.Type(name = PipelineSpec.TYPE, value = PipelineSpec.class)
})
public sealed interface JobSpec permits SingleJobSpec, PipelineSpec, ServeSpec {

    /** What {@code type} may be in what is submitted. */
    static List<String> types() {
        return Faults.types(JobSpec.class);
    }

    /** The {@code type} member. */
    String type();

    Scheduling scheduling();

    /** Where it runs, as {@link Devices} has it. */
    default String device() {
        return Devices.AUTO;
    }

    /** Checkpoints that it reads itself. */
    List<SourceUri> sources();

    /** Data that it reads itself. */
    default List<DatasetReference> data() {
        return List.of();
    }

    /** What the worker must have, whether it was asked for or follows from the rest of the spec. */
    default Requirements requirements() {
        return Devices.require(device(), scheduling().requirements());
    }

    /** What is wrong between members that are each right. */
    default List<FieldError> contradictions() {
        return List.of();
    }

    /** The spec with its defaults filled in, in the order of the contract. */
    default ObjectNode toJson() {
        return SpecJson.write(this);
    }
}
