package io.octavo.engine.layout.weight;

import java.nio.ByteBuffer;

/** Writes codes that lie row after row, as several layouts store them. */
public final class CodeTensors {

    private CodeTensors() {}

    /** Codes of one byte as they are. */
    public static void writeBytes(QuantizedWeight weight, String tensor, TensorSink sink) {
        RowChunks.codes(
                weight,
                (from, to, codes) -> sink.write(
                        tensor,
                        from * weight.inFeatures(),
                        ByteBuffer.wrap(codes, 0, Math.toIntExact((to - from) * weight.inFeatures()))));
    }

    /** Two codes of four bits a byte, the even column in the low nibble. */
    public static void writePairs(QuantizedWeight weight, String tensor, TensorSink sink) {
        RowChunks.codes(weight, (from, to, codes) -> {
            int pairs = Math.toIntExact((to - from) * weight.inFeatures() / 2);
            byte[] packed = new byte[pairs];
            for (int i = 0; i < pairs; i++) {
                packed[i] = (byte) ((codes[2 * i] & 0xF) | (codes[2 * i + 1] << 4));
            }
            sink.write(tensor, from * weight.inFeatures() / 2, ByteBuffer.wrap(packed));
        });
    }
}
