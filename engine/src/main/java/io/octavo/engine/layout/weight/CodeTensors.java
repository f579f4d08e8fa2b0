package io.octavo.engine.layout.weight;

import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
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

    /** A weight's scales in the shape of a tensor that has one for each tile. */
    public static void writeScales(QuantizedWeight weight, TensorSpec tensor, TensorSink sink) {
        float[] scales = switch (weight.quantization().granularity()) {
            case Granularity.PerTensor whole -> new float[] {RowChunks.tensorScale(weight)};
            case Granularity.PerBlock block -> RowChunks.blockScales(weight, block);
            default -> RowChunks.scales(weight);
        };
        sink.write(tensor.name(), 0, ExactNumbers.encode(scales, scales.length, tensor.dtype(), tensor.name()));
    }

    /** Little-endian. */
    public static ByteBuffer bytes(int[] words) {
        ByteBuffer bytes = ExactNumbers.buffer(Math.multiplyExact(words.length, Integer.BYTES));
        bytes.asIntBuffer().put(words);
        return bytes;
    }
}
