package io.octavo.jobs.spec;

import io.octavo.jobs.repository.RepositoryName;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Quantize a checkpoint into a repository of this service.
 *
 * @param ignore modules to leave alone: exact names or {@code re:<regex>}
 * @param overrides modules that get other schemes
 * @param kvCache what scales of the KV cache are stored; empty for none
 * @param calibration data for schemes that store scales of activations
 * @param device {@code auto}, {@code cpu} or {@code cuda}
 * @param reuse an artifact that was made before of the same bytes in the same way will do
 */
public record QuantizeSpec(
        SourceUri source,
        String scheme,
        RepositoryName target,
        String layout,
        List<String> ignore,
        List<SchemeOverride> overrides,
        Optional<KvCache> kvCache,
        Optional<Calibration> calibration,
        String device,
        boolean reuse,
        Scheduling scheduling)
        implements JobSpec {

    public static final String TYPE = "quantize";

    /** Modules by exact names or {@code re:<regex>}, and their scheme. */
    public record SchemeOverride(String scheme, List<String> targets) {
        public SchemeOverride {
            targets = List.copyOf(targets);
        }
    }

    /**
     * @param type {@code fp8}
     * @param granularity {@code tensor} or {@code head}
     */
    public record KvCache(String type, String granularity) {

        public static final String FP8 = "fp8";
        public static final String PER_TENSOR = "tensor";
        public static final String PER_HEAD = "head";
    }

    /** What a model is run on to learn its activations; see the engine's {@code CalibrationData}. */
    public record Calibration(DatasetReference dataset, int samples, int sequenceLength, int seed) {}

    public QuantizeSpec {
        ignore = List.copyOf(ignore);
        overrides = List.copyOf(overrides);
    }

    /** One scheme for everything, without data. */
    public QuantizeSpec(
            SourceUri source,
            String scheme,
            RepositoryName target,
            String layout,
            List<String> ignore,
            String device,
            int priority) {
        this(
                source,
                scheme,
                target,
                layout,
                ignore,
                List.of(),
                Optional.empty(),
                Optional.empty(),
                device,
                true,
                Scheduling.of(priority));
    }

    @Override
    public String type() {
        return TYPE;
    }

    @Override
    public List<SourceUri> sources() {
        return List.of(source);
    }

    @Override
    public Requirements requirements() {
        return Devices.require(device, scheduling.requirements());
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
        writeRest(json);
        json.put("device", device);
        if (!reuse) {
            json.put("reuse", false); // left out otherwise, so that a worker of the release before can read it
        }
        return scheduling.writeTo(json);
    }

    /**
     * All that decides what the artifact holds, besides the bytes of source and data: neither where they lie, nor where
     * the result goes, nor on what and when it is made.
     */
    public ObjectNode recipe() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("scheme", scheme).put("layout", layout);
        ignore.stream().sorted().distinct().forEach(json.putArray("ignore")::add);
        writeRest(json);
        if (json.get("calibration") instanceof ObjectNode data) {
            data.remove("dataset");
        }
        return json;
    }

    private void writeRest(ObjectNode json) {
        if (!overrides.isEmpty()) {
            ArrayNode array = json.putArray("overrides");
            for (SchemeOverride override : overrides) {
                ArrayNode targets =
                        array.addObject().put("scheme", override.scheme()).putArray("targets");
                override.targets().forEach(targets::add);
            }
        }
        kvCache.ifPresent(
                cache -> json.putObject("kvCache").put("type", cache.type()).put("granularity", cache.granularity()));
        calibration.ifPresent(data -> json.putObject("calibration")
                .put("dataset", data.dataset().toString())
                .put("samples", data.samples())
                .put("sequenceLength", data.sequenceLength())
                .put("seed", data.seed()));
    }
}
