package io.octavo.engine.safetensors;

import io.octavo.kernels.number.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import tools.jackson.core.io.JsonStringEncoder;

/**
 * What a file holds and where.
 *
 * @param metadata the {@code __metadata__} member
 * @param tensors by name, in the order of their bytes
 * @param dataOffset where tensor bytes begin in the file
 */
public record SafetensorsHeader(
        Map<String, String> metadata, SequencedMap<String, TensorInfo> tensors, long dataOffset) {

    /** Bytes of the length field before the header. */
    static final int LENGTH_BYTES = Long.BYTES;

    /** The reference implementation's limit on the header's length. */
    static final long MAX_HEADER_BYTES = 100_000_000;

    /** Wider types first, then by name: what the reference writer does, which keeps every tensor aligned. */
    private static final List<DType> DTYPE_ORDER = List.of(
            DType.U64,
            DType.I64,
            DType.F64,
            DType.C64,
            DType.F32,
            DType.U32,
            DType.I32,
            DType.BF16,
            DType.F16,
            DType.U16,
            DType.I16,
            DType.F8_E8M0,
            DType.F8_E4M3,
            DType.F8_E5M2,
            DType.I8,
            DType.U8,
            DType.F6_E3M2,
            DType.F6_E2M3,
            DType.F4,
            DType.BOOL);

    private static final Comparator<TensorSpec> CANONICAL_ORDER = Comparator.comparingInt(
                    (TensorSpec tensor) -> DTYPE_ORDER.indexOf(tensor.dtype()))
            .thenComparing(tensor -> tensor.name().getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned);

    public SafetensorsHeader {
        metadata = Map.copyOf(metadata);
        tensors = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(tensors));
    }

    /** @throws IllegalArgumentException if there is no such tensor */
    public TensorInfo tensor(String name) {
        TensorInfo tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("no tensor " + name);
        }
        return tensor;
    }

    /** Bytes of all tensors together. */
    public long dataBytes() {
        return tensors.isEmpty() ? 0 : tensors.lastEntry().getValue().end();
    }

    /** Bytes of the whole file. */
    public long fileBytes() {
        return dataOffset + dataBytes();
    }

    /**
     * Lays tensors out in canonical order, without holes.
     *
     * @throws IllegalArgumentException if a name occurs twice
     */
    static SafetensorsHeader layOut(List<TensorSpec> specs) {
        var tensors = new LinkedHashMap<String, TensorInfo>();
        long begin = 0;
        for (TensorSpec spec : specs.stream().sorted(CANONICAL_ORDER).toList()) {
            long end = Math.addExact(begin, spec.byteSize());
            var info = new TensorInfo(spec.name(), spec.dtype(), spec.shape(), begin, end);
            if (tensors.put(spec.name(), info) != null) {
                throw new IllegalArgumentException("two tensors named " + spec.name());
            }
            begin = end;
        }
        var header = new SafetensorsHeader(Map.of("format", "pt"), tensors, 0);
        return new SafetensorsHeader(header.metadata, tensors, header.encode().length);
    }

    /** The length field and the JSON, padded with spaces so that tensor bytes begin at a multiple of 8. */
    byte[] encode() {
        var json = new StringBuilder("{\"__metadata__\":{");
        String separator = "";
        for (var entry : new java.util.TreeMap<>(metadata).entrySet()) {
            json.append(separator).append(quoted(entry.getKey())).append(':').append(quoted(entry.getValue()));
            separator = ",";
        }
        json.append('}');
        for (TensorInfo tensor : tensors.values()) {
            json.append(',')
                    .append(quoted(tensor.name()))
                    .append(":{\"dtype\":\"")
                    .append(tensor.dtype())
                    .append("\",\"shape\":")
                    .append(tensor.shape().toString().replace(" ", ""))
                    .append(",\"data_offsets\":[")
                    .append(tensor.begin())
                    .append(',')
                    .append(tensor.end())
                    .append("]}");
        }
        byte[] text = json.append('}').toString().getBytes(StandardCharsets.UTF_8);
        int padded = Math.ceilDiv(text.length, 8) * 8;
        ByteBuffer out = ByteBuffer.allocate(LENGTH_BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(padded).put(text);
        Arrays.fill(out.array(), out.position(), out.capacity(), (byte) ' ');
        return out.array();
    }

    private static String quoted(String text) {
        return '"' + new String(JsonStringEncoder.getInstance().quoteAsCharArray(text)) + '"';
    }
}
