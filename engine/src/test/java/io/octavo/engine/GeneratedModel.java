package io.octavo.engine;

import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;

/**
 * Small models of every architecture, whose weights are computed instead of stored; {@code model/golden/make.py} computes
 * the same ones and what transformers makes of them.
 */
public final class GeneratedModel {

    private GeneratedModel() {}

    /** Where a case's config.json and golden files lie. */
    public static Path golden(String name) {
        return TestModels.repository().resolve("engine/src/test/resources/io/octavo/engine/model/golden/" + name);
    }

    /** Writes config.json and model.safetensors in bf16. */
    public static Path write(String name, Path folder) throws IOException {
        Path golden = golden(name);
        var fixture = new CheckpointFixture().config(Files.readString(golden.resolve("config.json")));
        // Gemma stores what is added to 1.
        int gain = fixture.config().contains("\"Gemma") ? 0 : 1;
        for (String line : Files.readAllLines(golden.resolve("tensors.txt"))) {
            String[] parts = line.split(" ");
            List<Long> shape = Arrays.stream(parts).skip(1).map(Long::valueOf).toList();
            fixture.with(parts[0], DType.BF16, shape, weight(parts[0], shape, gain));
        }
        return fixture.write(folder);
    }

    /** Nearly normal: four bytes added, in steps of 1/1024; norms store {@code gain} and a fourth of that. */
    private static byte[] weight(String name, List<Long> shape, int gain) {
        int count = Math.toIntExact(shape.stream().reduce(1L, Math::multiplyExact));
        var crc = new CRC32();
        crc.update(name.getBytes(StandardCharsets.UTF_8));
        long seed = crc.getValue() * 0x9E3779B97F4A7C15L;
        ByteBuffer bytes = ByteBuffer.allocate(2 * count).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            long bits = mix(seed + i);
            float value = ((bits & 255) + (bits >>> 8 & 255) + (bits >>> 16 & 255) + (bits >>> 24 & 255) - 510) / 1024f;
            bytes.putShort(BFloat16.fromFloat(name.contains("norm") ? gain + value / 4 : value));
        }
        return bytes.array();
    }

    /** SplitMix64's finalizer. */
    private static long mix(long x) {
        long y = (x ^ (x >>> 30)) * 0xBF58476D1CE4E5B9L;
        long z = (y ^ (y >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
