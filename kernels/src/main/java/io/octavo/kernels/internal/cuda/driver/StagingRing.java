package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.HostMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Pinned memory of one stream through which ordinary host memory travels, so that copying overlaps with the device's
 * work. Its sections are filled in turn; one is filled again once the stream has passed what it held.
 */
final class StagingRing implements AutoCloseable {

    private static final int SECTIONS = 4;
    private static final long SECTION_BYTES = 16L << 20;

    /** Pieces start at cache lines. */
    private static final long ALIGNMENT = 64;

    private final GpuDriver driver;
    private final PinnedMemory pinned;
    private final HostCopier copier;
    private final Handles.Stream stream;
    private final Section[] sections = new Section[SECTIONS];
    private int current;

    StagingRing(GpuDriver driver, PinnedMemory pinned, HostCopier copier, Handles.Stream stream) {
        this.driver = driver;
        this.pinned = pinned;
        this.copier = copier;
        this.stream = stream;
        for (int i = 0; i < SECTIONS; i++) {
            sections[i] = new Section();
        }
    }

    /** Reads all of {@code source} before it returns. */
    void upload(MemorySegment source, long device) {
        for (long at = 0; at < source.byteSize(); ) {
            MemorySegment piece = take(source.byteSize() - at);
            copier.copy(source.asSlice(at, piece.byteSize()), piece);
            driver.memory().copyToDevice(device + at, piece.address(), piece.byteSize(), stream);
            at += piece.byteSize();
        }
    }

    /** Writes to {@code target} at the latest in {@link #finishDownloads()}. */
    void download(long device, MemorySegment target) {
        for (long at = 0; at < target.byteSize(); ) {
            MemorySegment piece = take(target.byteSize() - at);
            driver.memory().copyToHost(piece.address(), device + at, piece.byteSize(), stream);
            sections[current].downloads.add(new Download(piece, target.asSlice(at, piece.byteSize())));
            at += piece.byteSize();
        }
    }

    /** To be called once the stream has passed everything. */
    void finishDownloads() {
        for (int i = 1; i <= SECTIONS; i++) {
            sections[(current + i) % SECTIONS].finishDownloads();
        }
    }

    private MemorySegment take(long bytes) {
        if (sections[current].isFull()) {
            sections[current].leave();
            current = (current + 1) % SECTIONS;
            sections[current].enter();
        }
        return sections[current].take(bytes);
    }

    private record Download(MemorySegment piece, MemorySegment target) {}

    private final class Section {

        private final List<Download> downloads = new ArrayList<>();
        private @Nullable HostMemory memory;
        private Handles.@Nullable Event left;
        private long used;

        boolean isFull() {
            return used >= SECTION_BYTES;
        }

        MemorySegment take(long wanted) {
            HostMemory block = memory;
            if (block == null) {
                block = pinned.allocate(SECTION_BYTES);
                memory = block;
            }
            long bytes = Math.min(wanted, SECTION_BYTES - used);
            MemorySegment piece = block.segment().asSlice(used, bytes);
            used += Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
            return piece;
        }

        void leave() {
            Handles.Event event = left;
            if (event == null) {
                event = driver.streams().newEvent();
                left = event;
            }
            driver.streams().record(event, stream);
        }

        void enter() {
            if (left != null) {
                driver.streams().synchronize(left);
            }
            finishDownloads();
            used = 0;
        }

        void finishDownloads() {
            downloads.forEach(download -> copier.copy(download.piece(), download.target()));
            downloads.clear();
        }

        void close() {
            if (left != null) {
                driver.streams().destroy(left);
            }
            if (memory != null) {
                memory.close();
            }
        }
    }

    /** To be called once the stream has passed everything. */
    @Override
    public void close() {
        for (Section section : sections) {
            section.close();
        }
    }
}
