package io.octavo.worker.serve;

import io.octavo.engine.chat.Chat;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.serve.Completion;
import io.octavo.engine.serve.CompletionRequest;
import io.octavo.engine.serve.SamplingParameters;
import io.octavo.engine.serve.ServedModel;
import io.octavo.engine.serve.StopConditions;
import java.time.Duration;

/** Lets a model make a text and its template render a chat once, so that the first client does not wait for it: seconds. */
public final class WarmUp {

    private static final int TOKENS = 8;

    private WarmUp() {}

    /** Returns at once. What fails will fail for clients too, and be told then. */
    public static void begin(ServedModel model) {
        Thread.ofPlatform().daemon().name("octavo-warm-up").start(() -> run(model));
    }

    private static void run(ServedModel model) {
        try {
            complete(model);
            model.render(Chat.ofUser("Hello"));
        } catch (QuantizationException | IllegalStateException e) {
            // The model has no template, say, or is closed by now.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void complete(ServedModel model) throws InterruptedException {
        var request = new CompletionRequest(
                "warm-up", model.encodePrompt("Hello"), TOKENS, SamplingParameters.greedy(), StopConditions.none());
        try (Completion completion = model.submit(request)) {
            boolean ended = false;
            while (!ended) {
                ended = completion
                        .next(Duration.ofSeconds(1))
                        .filter(event -> event.last())
                        .isPresent();
            }
        }
    }
}
