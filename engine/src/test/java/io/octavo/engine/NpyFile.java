package io.octavo.engine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads float32 arrays of NumPy's .npy format, versions 1 and 2, C order. */
public final class NpyFile {

    private NpyFile() {}

    /** All elements, last dimension fastest. */
    public static float[] floats(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        boolean firstVersion = bytes.get(6) == 1;
        int headerStart = firstVersion ? 10 : 12;
        int headerBytes = firstVersion ? bytes.getShort(8) & 0xFFFF : bytes.getInt(8);
        String header = new String(bytes.array(), headerStart, headerBytes, StandardCharsets.US_ASCII);
        if (!header.contains("'<f4'") || !header.contains("'fortran_order': False")) {
            throw new IllegalArgumentException(file + ": not a C-order float32 array: " + header);
        }
        float[] values = new float[(bytes.capacity() - headerStart - headerBytes) / Float.BYTES];
        bytes.position(headerStart + headerBytes)
                .slice()
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer()
                .get(values);
        return values;
    }
}
