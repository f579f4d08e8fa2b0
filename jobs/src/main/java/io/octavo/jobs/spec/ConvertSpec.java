package io.octavo.jobs.spec;

import io.octavo.jobs.repository.RepositoryName;
import java.util.List;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Write a quantized checkpoint in another layout, into a repository of this service.
 *
 * @param layout such as {@code compressed-tensors} or {@code awq}
 */
public record ConvertSpec(SourceUri source, RepositoryName target, String layout, Scheduling scheduling)
        implements JobSpec {

    public static final String TYPE = "convert";

    @Override
    public String type() {
        return TYPE;
    }

    @Override
    public List<SourceUri> sources() {
        return List.of(source);
    }

    @Override
    public ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        return scheduling.writeTo(json.put("type", TYPE)
                .put("source", source.toString())
                .put("target", target.toString())
                .put("layout", layout));
    }
}
