package io.octavo.engine.convert;

import io.octavo.engine.artifact.StagingFolder;
import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.request.ConversionRequest;
import io.octavo.engine.request.ConversionResult;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import java.nio.file.Path;

/**
 * Quantizes into layouts other than compressed-tensors: first into that one, which is verified against the source, then
 * from there number by number. The disk holds both for a while; memory is that of either step.
 */
public final class ForeignQuantizer {

    private static final double QUANTIZING_SHARE = 0.7;

    private final Quantizer quantizer;
    private final Converter converter;

    public ForeignQuantizer(Quantizer quantizer, Converter converter) {
        this.quantizer = quantizer;
        this.converter = converter;
    }

    /**
     * @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} before anything is read if the layout cannot
     *     say what the scheme stores, and whatever quantizing and converting throw
     */
    public QuantizationResult quantize(QuantizationRequest request, Layout layout, JobMonitor monitor) {
        try (StagingFolder between = StagingFolder.beside(request.target())) {
            Path plain = between.folder().resolve("checkpoint");
            QuantizationResult quantized = quantizer.quantize(request.into(plain), monitor.part(0, QUANTIZING_SHARE));
            ConversionResult converted = converter.convert(
                    new ConversionRequest(plain, request.target(), layout.id()).withKnown(quantized.files()),
                    monitor.part(QUANTIZING_SHARE, 1));
            return new QuantizationResult(
                    converted.label(),
                    converted.weightBits(),
                    quantized.inputBytes(),
                    converted.outputBytes(),
                    quantized.quantizedModules(),
                    converted.files(),
                    quantized.verification());
        }
    }
}
