package io.octavo.engine.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SquaresObserverTest {

    private static final int COLUMNS = 5;

    private final Backend backend = Backends.cpu(1);
    private final Stream stream = backend.newStream();

    @AfterEach
    void close() {
        stream.close();
        backend.close();
    }

    @Test
    void meansAreOfAllTokensOfAllTexts() {
        var random = new Random(1);
        double[] sums = new double[COLUMNS];
        try (var observer = new SquaresObserver(backend, Set.of("seen", "never"))) {
            for (int tokens : new int[] {7, 1, 0, 4}) {
                float[] numbers = new float[tokens * COLUMNS];
                for (int i = 0; i < numbers.length; i++) {
                    numbers[i] = (float) random.nextGaussian();
                    sums[i % COLUMNS] += (double) numbers[i] * numbers[i];
                }
                show(observer, "seen", numbers);
                show(observer, "other", numbers);
            }
            Map<String, float[]> found = observer.take(stream);
            assertThat(found).containsOnlyKeys("seen");
            float[] means = found.getOrDefault("seen", new float[0]);
            for (int column = 0; column < COLUMNS; column++) {
                assertThat((double) means[column]).isCloseTo(sums[column] / 12, within(1e-6));
            }
            assertThat(observer.take(stream)).isEmpty();
        }
    }

    @Test
    void expertsHaveMeansOfTheirOwnTokens() {
        float[] numbers = {1, 2, 3, 4, 5, 3, 4, 5, 6, 7, 10, 10, 10, 10, 10};
        try (var observer = new SquaresObserver(backend, Set.of("first", "second", "third"));
                DeviceBuffer rows = placed(numbers);
                DeviceBuffer starts = backend.place("test", MemorySegment.ofArray(new int[] {0, 2, 2, 3}), stream)) {
            observer.experts(
                    List.of("first", "second", "third"),
                    Matrix.of(rows, DType.F32, 3, COLUMNS),
                    Matrix.of(starts, DType.I32, 1, 4),
                    stream);
            Map<String, float[]> found = observer.take(stream);
            assertThat(found).containsOnlyKeys("first", "third");
            assertThat(found.get("first")).containsExactly(5, 10, 17, 26, 37);
            assertThat(found.get("third")).containsOnly(100);
        }
    }

    private DeviceBuffer placed(float[] numbers) {
        return backend.place("test", MemorySegment.ofArray(numbers), stream);
    }

    private void show(SquaresObserver observer, String module, float[] numbers) {
        try (DeviceBuffer buffer = placed(numbers)) {
            observer.input(module, Matrix.of(buffer, DType.F32, numbers.length / COLUMNS, COLUMNS), stream);
            stream.synchronize();
        }
    }
}
