package io.octavo.engine.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class FairQueueTest {

    private long number;

    private ActiveRequest request(String client, int tokens, int choices) {
        var request = new CompletionRequest(
                client,
                Collections.nCopies(tokens, 1),
                choices,
                8,
                SamplingParameters.greedy(),
                StopConditions.none(),
                null,
                false);
        return new ActiveRequest(request, number++, () -> {});
    }

    private static ServedText next(FairQueue queue) {
        return Objects.requireNonNull(queue.peek());
    }

    private static String take(FairQueue queue) {
        ServedText next = next(queue);
        assertThat(queue.peek()).isSameAs(next);
        queue.take(next);
        return next.request().request().client();
    }

    @Test
    void clientsShareTokensWhateverTheNumberAndSizeOfTheirRequests() {
        var queue = new FairQueue(10_000, 10_000);
        for (int i = 0; i < 1000; i++) {
            queue.add(request("many", 100, 1));
            queue.add(request("large", 1600, 1));
        }
        for (int i = 0; i < 300; i++) {
            queue.add(request("late", 400, 1));
        }
        Map<String, Integer> tokens = new HashMap<>();
        for (int i = 0; i < 500; i++) {
            ServedText next = next(queue);
            tokens.merge(take(queue), next.count(), Integer::sum);
        }
        int share = tokens.values().stream().mapToInt(Integer::intValue).sum() / 3;
        assertThat(tokens.values()).allSatisfy(taken -> assertThat(taken).isBetween(share - 2400, share + 2400));
    }

    @Test
    void whoeverComesLateWaitsForOneRoundAndMakesUpForNothing() {
        var queue = new FairQueue(1000, 1000);
        for (int i = 0; i < 40; i++) {
            queue.add(request("first", 512, 1));
        }
        for (int i = 0; i < 10; i++) {
            take(queue);
        }
        for (int i = 0; i < 10; i++) {
            queue.add(request("second", 512, 1));
        }
        List<String> order = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            order.add(take(queue));
        }
        assertThat(Collections.frequency(order, "second")).isBetween(5, 7);
        assertThat(order.subList(0, 3)).contains("second");
    }

    @Test
    void drawnTokensCountToo() {
        var queue = new FairQueue(1000, 1000);
        for (int i = 0; i < 20; i++) {
            queue.add(request("talks", 10, 1));
            queue.add(request("listens", 10, 1));
        }
        ServedText first = next(queue);
        queue.take(first);
        String talker = first.request().request().client();
        for (int i = 0; i < 1000; i++) {
            queue.charge(first);
        }
        for (int i = 0; i < 20; i++) {
            assertThat(take(queue)).isNotEqualTo(talker);
        }
        assertThat(take(queue)).isEqualTo(talker);
    }

    @Test
    void refusesWhatExceedsItsBounds() {
        var queue = new FairQueue(4, 3);
        queue.add(request("one", 1, 3));
        assertFull(queue, request("one", 1, 1));
        queue.add(request("two", 1, 1));
        assertFull(queue, request("two", 1, 1));
        assertThat(queue.waiting()).isEqualTo(4);
        take(queue);
        queue.add(request("two", 1, 1));
    }

    private static void assertFull(FairQueue queue, ActiveRequest request) {
        assertThatThrownBy(() -> queue.add(request))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.QUEUE_FULL));
    }

    @Test
    void otherChoicesFollowAtOnceAndAreForgottenWithTheirRequest() {
        var queue = new FairQueue(10, 10);
        ActiveRequest many = request("one", 4, 3);
        queue.add(many);
        queue.add(request("one", 4, 1));
        ServedText first = next(queue);
        queue.take(first);
        queue.addOthers(many);
        assertThat(queue.peek()).isSameAs(many.texts().get(1));
        queue.take(many.texts().get(1));
        assertThat(queue.waiting()).isEqualTo(2);
        queue.remove(many);
        queue.end(many, 3);
        assertThat(queue.waiting()).isEqualTo(1);
        take(queue);
        assertThat(queue.peek()).isNull();
    }
}
