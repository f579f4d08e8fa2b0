package io.octavo.jobs.identity;

import io.octavo.jobs.hash.Sha256;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An API key as its holder has it: {@code octv_<prefix>_<secret>}. The prefix finds the key and may be shown; the secret
 * has 256 random bits, so that a plain hash of it cannot be turned back.
 */
public record KeyText(String prefix, String secret) {

    private static final int PREFIX_BYTES = 6;
    private static final int SECRET_BYTES = 32;
    private static final Pattern SHAPE = Pattern.compile("octv_([0-9a-f]{12})_([0-9a-f]{64})");
    private static final SecureRandom RANDOM = new SecureRandom();

    public static KeyText draw() {
        return new KeyText(random(PREFIX_BYTES), random(SECRET_BYTES));
    }

    private static String random(int bytes) {
        byte[] drawn = new byte[bytes];
        RANDOM.nextBytes(drawn);
        return HexFormat.of().formatHex(drawn);
    }

    /** Empty for what does not look like a key. */
    public static Optional<KeyText> parse(String text) {
        Matcher matcher = SHAPE.matcher(text);
        return matcher.matches() ? Optional.of(new KeyText(matcher.group(1), matcher.group(2))) : Optional.empty();
    }

    byte[] secretSha256() {
        return Sha256.of(secret);
    }

    /** What its holder keeps. */
    public String reveal() {
        return "octv_" + prefix + "_" + secret;
    }

    /** Without the secret, so that it can get into no log. */
    @Override
    public String toString() {
        return "octv_" + prefix + "_...";
    }
}
