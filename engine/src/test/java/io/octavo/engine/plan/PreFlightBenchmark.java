package io.octavo.engine.plan;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.request.Recipe;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Seconds to plan a checkpoint of over 400 GB in 200 files from its headers: {@code PreFlightBenchmark DIR [dense]}, an empty
 * folder for files without contents. A mixture of experts with 36,000 Linears, or a dense model with 900. The first figure is a
 * cold process.
 */
final class PreFlightBenchmark {

    private static final int RUNS = 7;

    private PreFlightBenchmark() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        SparseCheckpoint sparse =
                arguments.length > 1 ? SparseCheckpoint.largeDense(folder) : SparseCheckpoint.largeMixture(folder);
        var request = new Recipe("FP8_DYNAMIC", "compressed-tensors", List.of());
        System.out.printf("%.0f GB%n", sparse.bytes() / 1e9);
        for (int run = 0; run < RUNS; run++) {
            sparse.bytesRead.set(0);
            long start = System.nanoTime();
            try (Checkpoint checkpoint = Checkpoint.ofHeaders(sparse.files())) {
                PlanReport report = PreFlight.quantization(checkpoint, request);
                System.out.printf(
                        "%d modules planned in %.2f s, %.1f MB read%n",
                        report.quantizedModules(), (System.nanoTime() - start) / 1e9, sparse.bytesRead.get() / 1e6);
            }
        }
    }
}
