package io.octavo.kernels.internal.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Where large buffers lie.
 *
 * @param fromBytes of a buffer that is large
 */
record SpillFolder(Path folder, long fromBytes) {

    private static final int PIECE_BYTES = 1 << 20;

    SpillFolder {
        if (fromBytes <= 0) {
            throw new IllegalArgumentException("buffers must be spilled from a size above 0: " + fromBytes);
        }
    }

    /** @throws UncheckedIOException if the disk has too little room, say */
    HostBuffer allocate(String owner, long bytes) {
        Arena arena = Arena.ofShared();
        try (FileChannel file = FileChannel.open(
                Files.createTempFile(folder, owner, ".spilled"),
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                StandardOpenOption.DELETE_ON_CLOSE)) {
            // A page of a mapping that finds no room on the disk when it is written to would end the process.
            ByteBuffer zeros = ByteBuffer.allocateDirect(PIECE_BYTES);
            for (long at = 0; at < bytes; at += zeros.position()) {
                file.write(zeros.clear().limit((int) Math.min(PIECE_BYTES, bytes - at)), at);
            }
            return HostBuffer.owning(owner, file.map(MapMode.READ_WRITE, 0, bytes, arena), arena);
        } catch (IOException e) {
            arena.close();
            throw new UncheckedIOException(owner + ": " + bytes + " bytes cannot be spilled: " + e.getMessage(), e);
        }
    }
}
