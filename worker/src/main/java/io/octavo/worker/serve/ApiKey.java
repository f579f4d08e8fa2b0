package io.octavo.worker.serve;

import io.octavo.worker.openai.OpenAiCode;
import io.octavo.worker.openai.OpenAiException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.jspecify.annotations.Nullable;

/** The key that calls must show. */
final class ApiKey {

    private static final String SCHEME = "Bearer ";

    private final byte @Nullable [] digest;

    ApiKey(@Nullable String key) {
        this.digest = key == null ? null : digest(key);
    }

    /** @throws OpenAiException {@code invalid_api_key}; how long that takes tells nothing about the key */
    void check(@Nullable String authorization) {
        if (digest == null) {
            return;
        }
        String header = authorization == null ? "" : authorization;
        boolean bearer = header.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
        String shown = bearer ? header.substring(SCHEME.length()).strip() : "";
        if (!MessageDigest.isEqual(digest, digest(shown))) {
            throw new OpenAiException(
                    OpenAiCode.INVALID_API_KEY,
                    null,
                    authorization == null
                            ? "no API key was sent: Authorization: Bearer KEY is needed"
                            : "the API key is not this server's");
        }
    }

    private static byte[] digest(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
