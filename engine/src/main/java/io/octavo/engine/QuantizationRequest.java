package io.octavo.engine;

import java.nio.file.Path;
import java.util.List;

/**
 * @param source folder of a Hugging Face checkpoint: config.json, safetensors, tokenizer and side files
 * @param target folder to create; must not exist or be empty. Nothing appears under it unless the call succeeds
 * @param scheme preset name, such as {@code FP8_DYNAMIC}
 * @param layout how it is written, such as {@code compressed-tensors}
 * @param ignore modules to leave alone beside the defaults: exact names or {@code re:<regex>}
 */
public record QuantizationRequest(Path source, Path target, String scheme, String layout, List<String> ignore) {

    public QuantizationRequest {
        ignore = List.copyOf(ignore);
    }

    /** The same numbers elsewhere and spelled differently. */
    public QuantizationRequest into(Path otherTarget, String otherLayout) {
        return new QuantizationRequest(source, otherTarget, scheme, otherLayout, ignore);
    }
}
