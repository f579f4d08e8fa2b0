package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import java.util.List;

/** A job that a worker runs. */
@JsonSubTypes({
    @JsonSubTypes.Type(name = QuantizeSpec.TYPE, value = QuantizeSpec.class),
    @JsonSubTypes.Type(name = ConvertSpec.TYPE, value = ConvertSpec.class),
    @JsonSubTypes.Type(name = EvaluateSpec.TYPE, value = EvaluateSpec.class),
    @JsonSubTypes.Type(name = BenchmarkSpec.TYPE, value = BenchmarkSpec.class)
})
public sealed interface SingleJobSpec extends JobSpec permits QuantizeSpec, ConvertSpec, EvaluateSpec, BenchmarkSpec {

    SourceUri source();

    @Override
    default List<SourceUri> sources() {
        return List.of(source());
    }
}
