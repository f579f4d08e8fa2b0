package io.octavo.api.file;

import java.math.BigInteger;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Bytes of a file that {@code Range} asks for, as RFC 9110, section 14, has it.
 *
 * @param length 0 where the file has none of them
 */
record ByteRange(long start, long length) {

    /** One range; a list may have empty elements around it. */
    private static final Pattern ONE = Pattern.compile("(?i)bytes=[ \t,]*+([0-9]*+)-([0-9]*+)[ \t,]*+");

    /**
     * Numbers may be larger than any file: what lies behind its end is left out.
     *
     * @return empty where the header is to be ignored: it is malformed, of another unit, or has several ranges
     */
    static Optional<ByteRange> parse(String header, long size) {
        Matcher range = ONE.matcher(header);
        if (!range.matches() || (range.group(1).isEmpty() && range.group(2).isEmpty())) {
            return Optional.empty();
        }
        if (range.group(1).isEmpty()) {
            long length = within(new BigInteger(range.group(2)), size);
            return Optional.of(new ByteRange(size - length, length));
        }
        BigInteger first = new BigInteger(range.group(1));
        BigInteger behind = range.group(2).isEmpty()
                ? BigInteger.valueOf(size).max(first)
                : new BigInteger(range.group(2)).add(BigInteger.ONE);
        if (!range.group(2).isEmpty() && behind.compareTo(first) <= 0) {
            return Optional.empty();
        }
        long start = within(first, size);
        return Optional.of(new ByteRange(start, within(behind, size) - start));
    }

    private static long within(BigInteger position, long size) {
        return position.min(BigInteger.valueOf(size)).longValueExact();
    }

    /** As {@code Content-Range} says it. */
    String contentRange(long size) {
        return "bytes " + start + "-" + (start + length - 1) + "/" + size;
    }
}
