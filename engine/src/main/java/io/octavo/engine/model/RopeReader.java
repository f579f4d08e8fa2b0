package io.octavo.engine.model;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;

/** Reads rotary settings of a {@linkplain CompleteConfig complete} config. */
final class RopeReader {

    private RopeReader() {}

    static RopeSpec read(ConfigReader config) {
        return readParameters(config.object("rope_parameters"));
    }

    /** One entry of a {@code rope_parameters} that is keyed by layer type. */
    static RopeSpec readFor(String layerType, ConfigReader config) {
        return readParameters(config.object("rope_parameters").object(layerType));
    }

    private static RopeSpec readParameters(ConfigReader parameters) {
        double share = parameters.positive("partial_rotary_factor");
        RopeSpec whole = read(parameters, parameters.positive("rope_theta"));
        return share == 1 ? whole : new RopeSpec.Partial(whole, share);
    }

    private static RopeSpec read(ConfigReader parameters, double theta) {
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
