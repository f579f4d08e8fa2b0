package io.octavo.jobs.secret;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.jobs.problem.ProblemException;
import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SecretBoxTest {

    private static final String OLD = key(1);
    private static final String NEW = key(2);

    private final SecretBox box = new SecretBox(new SecretProperties(Map.of("old", OLD), "old"));

    private static String key(int fill) {
        byte[] key = new byte[32];
        java.util.Arrays.fill(key, (byte) fill);
        return Base64.getEncoder().encodeToString(key);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "whsec_abc", "ä ö 😀"})
    void opensWhatItSealedAndNeverTheSameWayTwice(String secret) {
        String sealed = box.seal("webhook/1", secret);
        assertThat(box.open("webhook/1", sealed)).isEqualTo(secret);
        assertThat(box.seal("webhook/1", secret)).isNotEqualTo(sealed);
        if (secret.length() > 1) {
            assertThat(sealed).doesNotContain(secret);
        }
    }

    @Test
    void aSecretOpensOnlyInItsPlace() {
        String sealed = box.seal("webhook/1", "secret");
        assertThatIllegalStateException().isThrownBy(() -> box.open("webhook/2", sealed));
    }

    /** Changes bytes, not characters: the last of Base64 may hold bits that stand for nothing. */
    @Test
    void aSecretDoesNotOpenOnceABitOfItHasChanged() {
        String sealed = box.seal("webhook/1", "secret");
        int begin = sealed.lastIndexOf('.') + 1;
        byte[] whole = Base64.getDecoder().decode(sealed.substring(begin));
        for (int bit = 0; bit < whole.length * Byte.SIZE; bit++) {
            byte[] changed = whole.clone();
            changed[bit / Byte.SIZE] ^= (byte) (1 << bit % Byte.SIZE);
            String text = sealed.substring(0, begin) + Base64.getEncoder().encodeToString(changed);
            assertThatIllegalStateException().as("bit %d", bit).isThrownBy(() -> box.open("webhook/1", text));
        }
    }

    @Test
    void keysRotate() {
        String sealed = box.seal("p", "secret");
        SecretBox both = new SecretBox(new SecretProperties(Map.of("old", OLD, "new", NEW), "new"));
        assertThat(both.isStale(sealed)).isTrue();
        String anew = both.seal("p", both.open("p", sealed));
        assertThat(both.isStale(anew)).isFalse();
        SecretBox later = new SecretBox(new SecretProperties(Map.of("new", NEW), "new"));
        assertThat(later.open("p", anew)).isEqualTo("secret");
        assertThatIllegalStateException()
                .isThrownBy(() -> later.open("p", sealed))
                .withMessageContaining("the key old, which is not configured");
    }

    @Test
    void refusesToKeepSecretsWithoutAKeyAndKeysThatAreNone() {
        SecretBox none = new SecretBox(new SecretProperties(Map.of(), null));
        assertThatThrownBy(() -> none.seal("p", "secret")).isInstanceOf(ProblemException.class);
        assertThatIllegalArgumentException().isThrownBy(() -> new SecretProperties(Map.of("a", "AAAA"), "a"));
        assertThatIllegalArgumentException().isThrownBy(() -> new SecretProperties(Map.of("a", OLD), "b"));
        assertThat(new SecretProperties(Map.of("a", OLD), "a").toString()).doesNotContain(OLD);
    }
}
