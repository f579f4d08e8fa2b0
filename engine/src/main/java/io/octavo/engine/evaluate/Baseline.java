package io.octavo.engine.evaluate;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.model.Architectures;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.transformer.ModelLoader;
import io.octavo.engine.transformer.RunLimits;
import io.octavo.engine.transformer.Transformer;
import io.octavo.kernels.backend.Backend;
import java.nio.file.Path;

/** Another model's checkpoint, open while it is compared with. */
public record Baseline(Backend backend, Checkpoint checkpoint, ModelSpec spec) implements AutoCloseable {

    /** @param backend borrowed */
    public static Baseline open(Backend backend, Path folder) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        try {
            return new Baseline(
                    backend, checkpoint, Architectures.read(checkpoint.config().tree()));
        } catch (RuntimeException e) {
            checkpoint.close();
            throw e;
        }
    }

    Transformer load(RunLimits limits) {
        return new ModelLoader(backend, checkpoint, spec).load(limits);
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
