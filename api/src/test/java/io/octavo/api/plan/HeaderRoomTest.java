package io.octavo.api.plan;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNoException;

import io.octavo.jobs.problem.ProblemException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class HeaderRoomTest {

    private final HeaderRoom room = new HeaderRoom(100);

    private HeaderRoom.Look look(Duration patience) {
        return room.look(System.nanoTime() + patience.toNanos());
    }

    private static void assertRefused(HeaderRoom.Look look, long bytes) {
        assertThatExceptionOfType(ProblemException.class).isThrownBy(() -> look.admit(bytes));
    }

    @Test
    void refusesWhatCouldNeverFitAndWhatDoesNotFitInTime() {
        try (var one = look(Duration.ofHours(1));
                var other = look(Duration.ofMillis(10))) {
            assertRefused(one, 101);
            assertRefused(one, 1L << 40);
            one.admit(60);
            one.admit(20);
            assertRefused(other, 21);
            other.admit(20);
        }
        try (var next = look(Duration.ofMillis(10))) {
            assertThatNoException().isThrownBy(() -> next.admit(100));
        }
    }

    @Test
    void waitsForOthers() throws Exception {
        var one = look(Duration.ofHours(1));
        one.admit(100);
        var waiting = CompletableFuture.runAsync(() -> {
            try (var other = look(Duration.ofMinutes(1))) {
                other.admit(100);
            }
        });
        one.close();
        waiting.get(30, TimeUnit.SECONDS);
        one.close();
        assertRefused(look(Duration.ofMillis(10)), 101);
    }
}
