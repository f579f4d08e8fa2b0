package io.octavo.engine.model;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;

/** Reads rotary settings in both spellings: {@code rope_parameters}, and {@code rope_theta} with {@code rope_scaling}. */
final class RopeReader {

    private static final double USUAL_THETA = 10_000;

    private RopeReader() {}

    static RopeSpec read(ConfigReader config) {
        if (config.has("rope_parameters")) {
            ConfigReader parameters = config.object("rope_parameters");
            return read(parameters, parameters.positive("rope_theta", USUAL_THETA));
        }
        double theta = config.positive("rope_theta", USUAL_THETA);
        return config.has("rope_scaling") ? read(config.object("rope_scaling"), theta) : new RopeSpec.Plain(theta);
    }

    /** One entry of a {@code rope_parameters} that is keyed by layer type. */
    static RopeSpec readFor(String layerType, ConfigReader config) {
        ConfigReader parameters = config.object("rope_parameters").object(layerType);
        return read(parameters, parameters.positive("rope_theta", USUAL_THETA));
    }

    private static RopeSpec read(ConfigReader parameters, double theta) {
        if (parameters.positive("partial_rotary_factor", 1) != 1) {
            throw unsupported("partial_rotary_factor " + parameters.positive("partial_rotary_factor"));
        }
        String type = parameters.text("rope_type", parameters.text("type", "default"));
        return switch (type) {
            case "default" -> new RopeSpec.Plain(theta);
            case "linear" -> new RopeSpec.Linear(theta, parameters.positive("factor"));
            case "llama3" ->
                new RopeSpec.Llama3(
                        theta,
                        parameters.positive("factor"),
                        parameters.positive("low_freq_factor"),
                        parameters.positive("high_freq_factor"),
                        parameters.dimension("original_max_position_embeddings"));
            default -> throw unsupported("rope_type " + type);
        };
    }

    private static QuantizationException unsupported(String what) {
        return new QuantizationException(
                ErrorCode.ARCHITECTURE_UNSUPPORTED,
                "config.json: " + what + " is not supported for running the model; known rope types: default, linear,"
                        + " llama3");
    }
}
