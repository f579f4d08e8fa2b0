package io.octavo.jobs.spec;

import io.octavo.jobs.repository.RepositoryName;
import java.util.List;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Quantize a checkpoint into a repository of this service.
 *
 * @param ignore modules to leave alone: exact names or {@code re:<regex>}
 * @param device {@code auto}, {@code cpu} or {@code cuda}
 */
public record QuantizeSpec(
        SourceUri source,
        String scheme,
        RepositoryName target,
        String layout,
        List<String> ignore,
        String device,
        int priority)
        implements JobSpec {

    public static final String TYPE = "quantize";

    public QuantizeSpec {
        ignore = List.copyOf(ignore);
    }

    @Override
    public String type() {
        return TYPE;
    }

    @Override
    public ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("type", TYPE)
                .put("source", source.toString())
                .put("scheme", scheme)
                .put("target", target.toString())
                .put("layout", layout);
        ignore.forEach(json.putArray("ignore")::add);
        return json.put("device", device).put("priority", priority);
    }
}
