package io.octavo.engine.safetensors;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.LongConsumer;

/** Finds and validates a header in a file that can be read by parts, in one read where the header is of usual length. */
public final class SafetensorsHeaderReader {

    /** Some thousand tensors: more than most shards have. */
    private static final int FIRST_BYTES = 1 << 17;

    private SafetensorsHeaderReader() {}

    /** Opens parts of a file. */
    @FunctionalInterface
    public interface Parts {
        /** The caller closes the stream. */
        InputStream open(long offset, long length) throws IOException;
    }

    /**
     * @param file named in messages
     * @param admission is told the header's bytes before it is read, and may refuse
     * @throws QuantizationException with one of the {@code SAFETENSORS_} codes
     */
    public static SafetensorsHeader read(String file, long fileBytes, Parts parts, LongConsumer admission)
            throws IOException {
        if (fileBytes < SafetensorsHeader.LENGTH_BYTES) {
            throw new QuantizationException(
                    ErrorCode.SAFETENSORS_TRUNCATED, file + ": " + fileBytes + " bytes hold no header length");
        }
        byte[] first = first(fileBytes, parts);
        LfsPointer.refuse(file, first);
        long headerBytes = ByteBuffer.wrap(first).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (headerBytes < 0 || headerBytes > SafetensorsHeader.MAX_HEADER_BYTES) {
            throw new QuantizationException(
                    ErrorCode.SAFETENSORS_HEADER_TOO_LARGE,
                    file + ": header of " + Long.toUnsignedString(headerBytes) + " bytes; at most "
                            + SafetensorsHeader.MAX_HEADER_BYTES + " are allowed");
        }
        long dataOffset = SafetensorsHeader.LENGTH_BYTES + headerBytes;
        if (dataOffset > fileBytes) {
            throw new QuantizationException(
                    ErrorCode.SAFETENSORS_TRUNCATED,
                    file + ": header of " + headerBytes + " bytes in a file of " + fileBytes);
        }
        admission.accept(headerBytes);
        try (InputStream header = header(first, dataOffset, parts)) {
            header.mark(1);
            if (header.read() != '{') {
                throw new QuantizationException(
                        ErrorCode.SAFETENSORS_HEADER_INVALID, file + ": the header does not begin with {");
            }
            header.reset();
            return SafetensorsHeaderParser.parse(file, header, dataOffset, fileBytes - dataOffset);
        }
    }

    private static byte[] first(long fileBytes, Parts parts) throws IOException {
        int length = (int) Math.min(fileBytes, FIRST_BYTES);
        try (InputStream begin = parts.open(0, length)) {
            byte[] first = begin.readNBytes(length);
            if (first.length < length) {
                throw new IOException("the file ended after " + first.length + " bytes, expected " + length);
            }
            return first;
        }
    }

    private static InputStream header(byte[] first, long dataOffset, Parts parts) throws IOException {
        int from = SafetensorsHeader.LENGTH_BYTES;
        int known = (int) Math.min(dataOffset, first.length);
        InputStream begin = new ByteArrayInputStream(first, from, known - from);
        return known == dataOffset
                ? begin
                : new BufferedInputStream(
                        new SequenceInputStream(begin, parts.open(known, dataOffset - known)), FIRST_BYTES);
    }
}
