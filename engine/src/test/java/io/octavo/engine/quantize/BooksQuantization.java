package io.octavo.engine.quantize;

import io.octavo.engine.TestModels;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.nio.file.Path;
import java.util.List;

/** The example model, quantized on the processor. */
final class BooksQuantization {

    private BooksQuantization() {}

    static QuantizationRequest request(String scheme, Path target) {
        return new QuantizationRequest(
                TestModels.books5m(), target, new Recipe(scheme, CompressedTensors.NAME, List.of()));
    }

    static void run(QuantizationRequest request) {
        try (Backend backend = Backends.cpu(2)) {
            new Quantizer(backend, 2).quantize(request, JobMonitor.none());
        }
    }
}
