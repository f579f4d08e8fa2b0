package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BackendsTest {

    @ParameterizedTest
    @ValueSource(strings = {"cpu", "CPU"})
    void opensTheProcessor(String device) {
        try (Backend backend = Backends.open(device, 2)) {
            assertThat(backend.name()).isEqualTo("cpu");
            assertThat(backend.description()).contains("2 threads").contains("bit vectors");
        }
    }

    @Test
    void autoFallsBackToTheProcessor() {
        try (Backend backend = Backends.open("auto", 2)) {
            assertThat(backend.name()).isEqualTo(CudaDevice.reasonAgainst().isEmpty() ? "cuda" : "cpu");
        }
    }

    @Test
    void refusesCudaWithTheReason() {
        String reason = CudaDevice.reasonAgainst().orElse("");
        assumeFalse(reason.isEmpty(), "a GPU is there");
        assertThatThrownBy(() -> Backends.open("cuda", 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage(reason);
        assertThat(reason).isNotBlank().doesNotContain("\n");
    }

    @Test
    void refusesAGpuThatIsNotThere() {
        assertThatThrownBy(() -> Backends.open("cuda:99", 1)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> Backends.open("cuda:x", 1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesUnknownDevicesAndNoThreads() {
        assertThatThrownBy(() -> Backends.open("tpu", 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("unknown device tpu; allowed: auto, cpu, cuda, cuda:N");
        assertThatThrownBy(() -> Backends.cpu(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aClosedBackendComputesNothing() {
        Backend backend = Backends.cpu(2);
        try (Stream stream = backend.newStream();
                DeviceBuffer buffer = backend.allocate("test", 4)) {
            Matrix matrix = Matrix.of(buffer, DType.F32, 1, 1);
            backend.close();
            backend.close();
            assertThatThrownBy(() -> backend.operations().add().accumulate(matrix, matrix, stream))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("closed");
        }
    }

    @Test
    void threadsWithStreamsOfTheirOwnShareOneBackend() throws Exception {
        try (Backend backend = Backends.cpu(3);
                ExecutorService callers = Executors.newFixedThreadPool(6)) {
            List<Callable<float[]>> products = new ArrayList<>();
            for (int caller = 0; caller < 6; caller++) {
                products.add(() -> repeatedProduct(backend));
            }
            float[] expected = repeatedProduct(backend);
            for (Future<float[]> product : callers.invokeAll(products)) {
                assertThat(product.get()).isEqualTo(expected);
            }
        }
    }

    /** Fifty products of the same operands, of sizes that many pieces and few pieces come from. */
    private static float[] repeatedProduct(Backend backend) {
        float[] values = new float[200 * 150];
        for (int i = 0; i < values.length; i++) {
            values[i] = (i * 31 % 101 - 50) / 7f;
        }
        float[] result = new float[200 * 200];
        try (Stream stream = backend.newStream();
                DeviceBuffer operand = backend.place("test", MemorySegment.ofArray(values), stream);
                DeviceBuffer product = backend.allocate("test", 4L * result.length)) {
            Matrix a = Matrix.of(operand, DType.F32, 200, 150);
            Matrix out = Matrix.of(product, DType.F32, 200, 200);
            for (int repeat = 0; repeat < 50; repeat++) {
                ScaledMatrix w = ScaledMatrix.plain(a);
                backend.operations().matMul().multiply(ScaledMatrix.plain(a), w, out, stream);
                backend.operations().matMul().multiply(ScaledMatrix.plain(a.rows(0, 2)), w, out.rows(0, 2), stream);
            }
            product.copyTo(MemorySegment.ofArray(result), 0, stream);
            stream.synchronize();
        }
        return result;
    }
}
