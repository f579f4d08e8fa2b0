package io.octavo.jobs.spec;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** What a job should do. Records hold only checked values, so a stored spec never needs checking again. */
public sealed interface JobSpec permits QuantizeSpec, ConvertSpec, EvaluateSpec, PipelineSpec {

    /** The {@code type} member. */
    String type();

    Scheduling scheduling();

    /** Checkpoints that it reads itself. */
    List<SourceUri> sources();

    /** What the worker must have, whether it was asked for or follows from the rest of the spec. */
    default Requirements requirements() {
        return scheduling().requirements();
    }

    /** The spec with its defaults filled in, in the order of the contract. */
    ObjectNode toJson();
}
