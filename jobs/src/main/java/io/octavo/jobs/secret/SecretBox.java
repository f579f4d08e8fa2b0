package io.octavo.jobs.secret;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Map;
import java.util.stream.Collectors;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/**
 * AES-256-GCM under a key that has an id, so that keys can be rotated. What is sealed is bound to its place: it opens
 * nowhere else, should somebody move rows about.
 *
 * <p>Layout: {@code 1.<key id>.<Base64 of nonce and ciphertext>}.
 */
@Component
public class SecretBox {

    private static final String VERSION = "1";
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;

    private final Map<String, SecretKeySpec> keys;
    private final @Nullable String current;
    private final SecureRandom random = new SecureRandom();

    public SecretBox(SecretProperties properties) {
        this.current = properties.current();
        this.keys = properties.keys().entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey,
                        entry -> new SecretKeySpec(SecretProperties.decode(entry.getValue()), "AES")));
    }

    /**
     * @param place where it will be kept, such as {@code webhook/<id>}
     * @throws ProblemException {@code secrets-not-configured}
     */
    public String seal(String place, String secret) {
        if (current == null) {
            throw new ProblemException(
                    ProblemCode.SECRETS_NOT_CONFIGURED,
                    "the operator has set no key to encrypt secrets with (octavo.secrets), so none can be kept");
        }
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        byte[] sealed = run(Cipher.ENCRYPT_MODE, current, nonce, place, secret.getBytes(StandardCharsets.UTF_8));
        byte[] whole = ByteBuffer.allocate(NONCE_BYTES + sealed.length)
                .put(nonce)
                .put(sealed)
                .array();
        return VERSION + "." + current + "." + Base64.getEncoder().encodeToString(whole);
    }

    /** @throws IllegalStateException if it was sealed with a key that is not there, elsewhere, or was changed */
    public String open(String place, String sealed) {
        String[] parts = sealed.split("\\.", 3);
        if (parts.length != 3 || !parts[0].equals(VERSION)) {
            throw new IllegalStateException("not a sealed secret");
        }
        ByteBuffer whole = ByteBuffer.wrap(Base64.getDecoder().decode(parts[2]));
        byte[] nonce = new byte[NONCE_BYTES];
        whole.get(nonce);
        byte[] text = new byte[whole.remaining()];
        whole.get(text);
        return new String(run(Cipher.DECRYPT_MODE, parts[1], nonce, place, text), StandardCharsets.UTF_8);
    }

    /** Whether it should be sealed anew, because the current key is another one. */
    public boolean isStale(String sealed) {
        return current != null && !sealed.startsWith(VERSION + "." + current + ".");
    }

    private byte[] run(int mode, String keyId, byte[] nonce, String place, byte[] input) {
        SecretKeySpec key = keys.get(keyId);
        if (key == null) {
            throw new IllegalStateException("a secret was sealed with the key " + keyId + ", which is not configured");
        }
        try {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
            cipher.updateAAD(place.getBytes(StandardCharsets.UTF_8));
            return cipher.doFinal(input);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("a secret of " + place + " does not open with the key " + keyId, e);
        }
    }
}
