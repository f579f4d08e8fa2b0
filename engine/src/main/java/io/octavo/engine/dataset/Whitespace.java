package io.octavo.engine.dataset;

/** White space as Python's {@code str} methods and {@code \s} know it, so that counts and prompts are the reference's. */
public final class Whitespace {

    /** NEL, which Java counts as a control character alone. */
    private static final int NEXT_LINE = 0x85;

    private Whitespace() {}

    private static boolean isOne(char character) {
        return Character.isWhitespace(character) || Character.isSpaceChar(character) || character == NEXT_LINE;
    }

    /** Pieces that {@code re.split(r"\s+", text)} gives: one more than there are runs of white space. */
    public static long words(String text) {
        long runs = 0;
        boolean inside = false;
        for (int i = 0; i < text.length(); i++) { // White space lies in the basic plane.
            boolean space = isOne(text.charAt(i));
            runs += space && !inside ? 1 : 0;
            inside = space;
        }
        return runs + 1;
    }

    /** {@code text.rstrip()}. */
    public static String stripTrailing(String text) {
        int end = text.length();
        while (end > 0 && isOne(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    /** {@code text.strip()}. */
    public static String strip(String text) {
        String rest = stripTrailing(text);
        int start = 0;
        while (start < rest.length() && isOne(rest.charAt(start))) {
            start++;
        }
        return rest.substring(start);
    }
}
