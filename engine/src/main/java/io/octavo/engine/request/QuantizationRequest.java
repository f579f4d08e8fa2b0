package io.octavo.engine.request;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * @param source folder of a Hugging Face checkpoint: config.json, safetensors, tokenizer and side files
 * @param target folder to create; must not exist or be empty. Nothing appears under it unless the call succeeds
 * @param scheme preset name, such as {@code FP8_DYNAMIC}
 * @param layout how it is written, such as {@code compressed-tensors}
 * @param ignore modules to leave alone beside the defaults: exact names or {@code re:<regex>}
 * @param overrides modules that get other schemes
 * @param kvCache whether scales of the KV cache are stored
 * @param calibration needed where scales of inputs or of the KV cache are stored
 * @param known files of the source that need not be hashed, since they were when they came here
 */
public record QuantizationRequest(
        Path source,
        Path target,
        String scheme,
        String layout,
        List<String> ignore,
        List<SchemeOverride> overrides,
        Optional<KvCacheQuantization> kvCache,
        Optional<CalibrationData> calibration,
        List<HashedFile> known) {

    public QuantizationRequest {
        ignore = List.copyOf(ignore);
        overrides = List.copyOf(overrides);
        known = List.copyOf(known);
    }

    /** One scheme that needs no data. */
    public QuantizationRequest(Path source, Path target, String scheme, String layout, List<String> ignore) {
        this(source, target, scheme, layout, ignore, List.of(), Optional.empty(), Optional.empty(), List.of());
    }

    /** The same with data to calibrate on. */
    public QuantizationRequest withCalibration(CalibrationData data) {
        return new QuantizationRequest(
                source, target, scheme, layout, ignore, overrides, kvCache, Optional.of(data), known);
    }

    /** The same with scales of the KV cache. */
    public QuantizationRequest withKvCache(KvCacheQuantization cache) {
        return new QuantizationRequest(
                source, target, scheme, layout, ignore, overrides, Optional.of(cache), calibration, known);
    }

    /** The same with other schemes for some modules. */
    public QuantizationRequest withOverrides(List<SchemeOverride> others) {
        return new QuantizationRequest(source, target, scheme, layout, ignore, others, kvCache, calibration, known);
    }

    /** The same numbers elsewhere and spelled differently. */
    public QuantizationRequest into(Path otherTarget, String otherLayout) {
        return new QuantizationRequest(
                source, otherTarget, scheme, otherLayout, ignore, overrides, kvCache, calibration, known);
    }

    /** The same from files whose SHA-256 is known. */
    public QuantizationRequest withKnown(List<HashedFile> files) {
        return new QuantizationRequest(source, target, scheme, layout, ignore, overrides, kvCache, calibration, files);
    }
}
