package io.octavo.engine.quantize;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.safetensors.DiskFailure;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Makes the quantizer as fast for a process's first job as for later ones, by quantizing a small checkpoint of random
 * weights some times over.
 *
 * <p>Until the JVM has compiled them, loops over vectors are hundreds of times slower, and a device loads its code at the
 * first launch. The same path is taken as by a job, read-back included, so that a broken device or disk shows itself here.
 */
public final class WarmUp {

    /** Enough for the compiler's counters and small against any model: 8 MB a weight. */
    private static final int FEATURES = 2048;

    private static final List<String> MODULES = List.of("gate_proj", "up_proj", "down_proj");

    private static final int LAYERS = 2;

    /** After the third, further ones take the same time. */
    private static final int ROUNDS = 3;

    /** Of no known architecture, which would ask for all of its modules. */
    private static final String CONFIG = """
            {"architectures": ["OctavoWarmUp"], "dtype": "bfloat16", "hidden_size": %1$d,
             "intermediate_size": %1$d, "num_hidden_layers": %2$d, "num_attention_heads": 16, "vocab_size": 1}
            """.formatted(FEATURES, LAYERS);

    private WarmUp() {}

    /**
     * @param folder empty; what is left in it afterwards is nobody's
     * @param monitor asked to stop as by a job
     * @throws QuantizationException if the device or the folder fails
     * @throws io.octavo.engine.failure.JobCancelledException if the monitor asked to stop
     */
    public static void run(Quantizer quantizer, Path folder, JobMonitor monitor) {
        Path source = folder.resolve("source");
        writeCheckpoint(source);
        for (int round = 0; round < ROUNDS; round++) {
            Path target = folder.resolve("target-" + round);
            quantizer.quantize(
                    new QuantizationRequest(
                            source, target, new Recipe(Scheme.FP8_DYNAMIC.name(), CompressedTensors.NAME, List.of())),
                    monitor);
        }
    }

    private static void writeCheckpoint(Path source) {
        var tensors = new ArrayList<TensorSpec>();
        for (int layer = 0; layer < LAYERS; layer++) {
            for (String module : MODULES) {
                String name = "model.layers.%d.mlp.%s.weight".formatted(layer, module);
                tensors.add(new TensorSpec(name, DType.BF16, FEATURES, FEATURES));
            }
        }
        try {
            Files.createDirectories(source);
            Files.writeString(source.resolve(ConfigJson.FILE_NAME), CONFIG);
        } catch (IOException e) {
            throw DiskFailure.writing(source, e);
        }
        ByteBuffer values = randomWeights();
        try (var writer = SafetensorsWriter.create(source.resolve(Checkpoint.SINGLE_FILE), tensors)) {
            for (TensorSpec tensor : tensors) {
                writer.write(tensor.name(), 0, values.rewind());
            }
            writer.seal();
        }
    }

    /** BF16 of either sign with magnitudes from 2^-7 to 2. */
    private static ByteBuffer randomWeights() {
        var random = new SplittableRandom(0);
        ByteBuffer values =
                ByteBuffer.allocate(FEATURES * FEATURES * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        while (values.hasRemaining()) {
            long bits = random.nextLong();
            values.putLong((bits & 0x83FF_83FF_83FF_83FFL) | 0x3C00_3C00_3C00_3C00L);
        }
        return values.flip();
    }
}
