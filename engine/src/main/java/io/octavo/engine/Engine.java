package io.octavo.engine;

import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.label.Label;
import io.octavo.engine.request.ConversionRequest;
import io.octavo.engine.request.ConversionResult;
import io.octavo.engine.request.DeviceOffer;
import io.octavo.engine.request.EvaluationRequest;
import io.octavo.engine.request.EvaluationResult;
import io.octavo.engine.request.GenerationRequest;
import io.octavo.engine.request.GenerationResult;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.QuantizationResult;
import java.nio.file.Path;

/**
 * The engine's face: one backend, chosen when it is created, and the calls that run on it.
 *
 * <p>Calls are blocking; an engine serves one call at a time. Every call throws {@link QuantizationException} for what a
 * user or operator can see and {@link JobCancelledException} when its monitor asked to stop.
 */
public interface Engine extends AutoCloseable {

    /** One line about the device that runs the calls. */
    String device();

    /** What of the device decides which jobs it can take. */
    DeviceOffer deviceOffer();

    /**
     * Makes this process's first job as fast as later ones, and tries device and disk on the way; seconds of work.
     *
     * @param folder empty, for scratch; the caller removes what is left in it
     */
    default void warmUp(Path folder, JobMonitor monitor) {}

    /** Quantizes a checkpoint folder into a new folder and verifies it by reading it back. */
    QuantizationResult quantize(QuantizationRequest request, JobMonitor monitor);

    /** Writes a quantized checkpoint in another layout, without rounding anything again. */
    ConversionResult convert(ConversionRequest request, JobMonitor monitor);

    /** What a checkpoint is, from its written config alone. */
    Label label(Path checkpoint);

    /** Scores a checkpoint, quantized or not. */
    EvaluationResult evaluate(EvaluationRequest request, JobMonitor monitor);

    /** Continues a prompt greedily. */
    GenerationResult generate(GenerationRequest request, JobMonitor monitor);

    @Override
    void close();
}
