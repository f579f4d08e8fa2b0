package io.octavo.api.call;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** JSON between systems is in UTF-8 alone: RFC 8259, section 8.1. Its readers would guess other encodings. */
public final class Utf8 {

    /** What readers guess by. */
    private static final int MARK = 4;

    private static final int PIECE = 8 << 10;

    private Utf8() {}

    /** What is wrong with a body, and where; no JSON in UTF-8 has a zero in it. */
    public static Optional<String> fault(byte[] json) {
        int wrong = firstWrong(json);
        if (wrong < 0) {
            return Optional.empty();
        }
        int line = 1;
        int column = 1;
        for (int i = 0; i < wrong; i++) {
            column = json[i] == '\n' ? 1 : column + 1;
            line += json[i] == '\n' ? 1 : 0;
        }
        return Optional.of("line %d, column %d: a byte 0x%02X is there, but JSON is written in UTF-8"
                .formatted(line, column, json[wrong]));
    }

    private static int firstWrong(byte[] json) {
        for (int i = 0; i < Math.min(MARK, json.length); i++) {
            if (json[i] == 0) {
                return i;
            }
        }
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        ByteBuffer in = ByteBuffer.wrap(json);
        CharBuffer out = CharBuffer.allocate(PIECE);
        CoderResult result;
        do {
            result = decoder.decode(in, out.clear(), true);
        } while (result.isOverflow());
        return result.isError() ? in.position() : -1;
    }
}
