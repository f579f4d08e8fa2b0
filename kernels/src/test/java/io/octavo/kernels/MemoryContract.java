package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.HostMemory;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Recording;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

/** Buffers and streams. */
abstract class MemoryContract extends BackendContract {

    MemoryContract(IntFunction<Backend> open) {
        super(open);
    }

    @Test
    void replaysWhatItRecorded() {
        Matrix sum = inOut(1, 3, 1, 2, 3);
        Matrix more = input(DType.F32, 1, 3, 10, 20, 30);
        Runnable work = () -> backend.operations().add().accumulate(sum, more, stream);
        work.run();
        Optional<Recording> recorded = stream.record(work);
        assertThat(recorded.isPresent()).isEqualTo(backend.name().equals("cuda"));
        assertThat(floats(sum)).containsExactly(11, 22, 33);
        recorded.ifPresent(recording -> {
            recording.replay();
            recording.replay();
            assertThat(floats(sum)).containsExactly(31, 62, 93);
            assertThat(recording.operations()).isEqualTo(1);
            recording.close();
            recording.close();
            assertThatThrownBy(recording::replay).isInstanceOf(IllegalStateException.class);
        });
    }

    @Test
    void runsOnAfterARecordingThatFailed() {
        Matrix sum = inOut(1, 3, 1, 2, 3);
        Matrix more = input(DType.F32, 1, 3, 10, 20, 30);
        Optional<Recording> recorded = stream.record(() -> {
            backend.operations().add().accumulate(sum, more, stream);
            sum.buffer().copyFrom(MemorySegment.ofArray(new float[3]), 0, stream);
        });
        assertThat(recorded).isEmpty();
        backend.operations().add().accumulate(sum, more, stream);
        assertThat(floats(sum)).containsExactly(11, 22, 33);
    }

    @Test
    void allocatedMemoryIsZero() {
        try (DeviceBuffer buffer = backend.allocate("test", 1001)) {
            byte[] bytes = new byte[1001];
            buffer.copyTo(MemorySegment.ofArray(bytes), 0, stream);
            stream.synchronize();
            assertThat(bytes).containsOnly(0);
        }
    }

    @Test
    void copiesAndFillsInStreamOrder() {
        try (DeviceBuffer buffer = backend.allocate("test", 6)) {
            buffer.fill((byte) 7, stream);
            buffer.copyFrom(MemorySegment.ofArray(new byte[] {1, 2}), 3, stream);
            byte[] bytes = new byte[5];
            buffer.copyTo(MemorySegment.ofArray(bytes), 1, stream);
            stream.synchronize();
            assertThat(bytes).containsExactly(7, 7, 1, 2, 7);
        }
    }

    @Test
    void rejectsCopiesThatDoNotFit() {
        try (DeviceBuffer buffer = backend.allocate("kv-cache", 6)) {
            MemorySegment host = MemorySegment.ofArray(new byte[4]);
            assertThatThrownBy(() -> buffer.copyFrom(host, 3, stream))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("4 bytes at offset 3 do not fit the 6 bytes of the buffer of kv-cache");
            assertThatThrownBy(() -> buffer.copyTo(host, -1, stream)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> buffer.copyTo(host, Long.MAX_VALUE, stream))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void closedBuffersCannotBeUsed() {
        DeviceBuffer buffer = backend.allocate("weights", 8);
        Matrix matrix = Matrix.of(buffer, DType.F32, 1, 2);
        buffer.close();
        buffer.close();
        assertThatThrownBy(() -> backend.operations().add().accumulate(matrix, matrix, stream))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("weights is closed");
        assertThatThrownBy(buffer::bytes).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> buffer.fill((byte) 0, stream)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void hostMemoryMustOutliveItsBuffer() {
        DeviceBuffer buffer;
        try (Arena arena = Arena.ofShared()) {
            buffer = backend.place("checkpoint", arena.allocate(8), stream);
        }
        assertThatThrownBy(() -> buffer.fill((byte) 0, stream))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("checkpoint");
        buffer.close();
    }

    @Test
    void heapMemoryIsPlacedToo() {
        try (DeviceBuffer buffer = backend.place("test", MemorySegment.ofArray(new float[] {1, 2}), stream)) {
            Matrix target = inOut(1, 2, 10, 20);
            backend.operations().add().accumulate(target, Matrix.of(buffer, DType.F32, 1, 2), stream);
            assertThat(floats(target)).containsExactly(11, 22);
        }
    }

    @Test
    void hostMemoryIsZeroedAndTravelsBothWays() {
        int bytes = 40 << 20;
        try (HostMemory source = backend.allocateHost(bytes);
                HostMemory target = backend.allocateHost(bytes);
                DeviceBuffer buffer = backend.allocate("test", bytes)) {
            assertThat(source.segment().get(ValueLayout.JAVA_BYTE, bytes - 1)).isZero();
            source.segment().fill((byte) 3);
            buffer.copyFrom(source.segment(), 0, stream);
            buffer.copyTo(target.segment(), 0, stream);
            stream.synchronize();
            assertThat(source.segment().mismatch(target.segment())).isEqualTo(-1);
        }
    }

    @Test
    void moreThanAnyStagingMemoryHoldsTravelsBothWays() {
        byte[] sent = new byte[(70 << 20) + 12345];
        random(1).nextBytes(sent);
        byte[] received = new byte[sent.length];
        try (DeviceBuffer buffer = backend.place("test", MemorySegment.ofArray(sent), stream)) {
            buffer.copyTo(MemorySegment.ofArray(received), 0, stream);
            stream.synchronize();
            assertThat(Arrays.equals(received, sent)).isTrue();
        }
    }

    @Test
    void anAllocationThatCannotBeMetNamesItsOwner() {
        assertThatThrownBy(() -> backend.allocate("kv-cache", 1L << 50))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("kv-cache")
                .hasMessageContaining(Long.toString(1L << 50));
    }

    @Test
    void closedStreamsCannotBeUsed() {
        Stream closed = backend.newStream();
        closed.close();
        closed.close();
        Matrix matrix = inOut(1, 1, 1);
        assertThatThrownBy(() -> backend.operations().add().accumulate(matrix, matrix, closed))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("stream is closed");
        assertThatThrownBy(closed::synchronize).isInstanceOf(IllegalStateException.class);
    }
}
