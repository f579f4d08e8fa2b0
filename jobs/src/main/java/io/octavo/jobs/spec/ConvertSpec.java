package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.annotation.JsonRootName;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.octavo.hub.RepositoryName;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;

/** Write a quantized checkpoint in another layout, into a repository of this service. */
@JsonRootName("ConvertJob")
public record ConvertSpec(
        @NotNull SourceUri source,

        @NotNull @JsonPropertyDescription("the repository that receives the artifact, namespace/name")
        RepositoryName target,

        @NotNull @Size(max = QuantizeSpec.MAX_NAME) @JsonPropertyDescription("a layout of GET /schemes")
        String layout,

        @Valid @JsonUnwrapped Scheduling scheduling)
        implements SingleJobSpec {

    public static final String TYPE = "convert";

    @Override
    public String type() {
        return TYPE;
    }
}
