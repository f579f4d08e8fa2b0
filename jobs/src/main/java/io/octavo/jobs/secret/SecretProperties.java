package io.octavo.jobs.secret;

import java.util.Base64;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Keys that secrets are encrypted with. To rotate: add a key, make it current, and remove the old one once every replica
 * has started with both.
 *
 * @param keys Base64 of 32 random bytes each, by id
 * @param current id of the key that encrypts; the others only decrypt
 */
@ConfigurationProperties("octavo.secrets")
public record SecretProperties(
        @DefaultValue Map<String, String> keys, @Nullable String current) {

    private static final Pattern ID = Pattern.compile("[A-Za-z0-9-]{1,32}");
    static final int KEY_BYTES = 32;

    public SecretProperties {
        keys = Map.copyOf(keys);
        keys.forEach((id, key) -> {
            if (!ID.matcher(id).matches() || decode(key).length != KEY_BYTES) {
                throw new IllegalArgumentException("octavo.secrets.keys." + id + " must be Base64 of " + KEY_BYTES
                        + " bytes, and its id 1 to 32 letters, digits or '-'");
            }
        });
        if (current == null ? !keys.isEmpty() : !keys.containsKey(current)) {
            throw new IllegalArgumentException("octavo.secrets.current must name one of octavo.secrets.keys");
        }
    }

    static byte[] decode(String key) {
        try {
            return Base64.getDecoder().decode(key);
        } catch (IllegalArgumentException e) {
            return new byte[0];
        }
    }

    @Override
    public String toString() {
        return "SecretProperties[keys=" + keys.keySet() + ", current=" + current + "]";
    }
}
