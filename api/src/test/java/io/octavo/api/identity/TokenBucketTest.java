package io.octavo.api.identity;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class TokenBucketTest {

    private static final long SECOND = 1_000_000_000L;

    private final TokenBucket bucket = new TokenBucket(new IdentityProperties.Rate(2, 3), -SECOND);

    @Test
    void letsABurstPassAndThenTheSteadyRate() {
        for (int i = 0; i < 3; i++) {
            assertThat(bucket.take(0)).isEqualTo(Duration.ZERO);
        }
        assertThat(bucket.take(0)).isEqualTo(Duration.ofMillis(500));
        assertThat(bucket.take(SECOND / 4)).isEqualTo(Duration.ofMillis(250));
        assertThat(bucket.take(SECOND / 2)).isEqualTo(Duration.ZERO);
        assertThat(bucket.take(SECOND / 2)).isPositive();
    }

    @Test
    void neverHoldsMoreThanTheBurst() {
        assertThat(bucket.isFull(0)).isTrue();
        bucket.take(0);
        assertThat(bucket.isFull(0)).isFalse();
        assertThat(bucket.isFull(100 * SECOND)).isTrue();
        for (int i = 0; i < 3; i++) {
            assertThat(bucket.take(100 * SECOND)).isEqualTo(Duration.ZERO);
        }
        assertThat(bucket.take(100 * SECOND)).isPositive();
    }
}
