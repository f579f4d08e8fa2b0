package io.octavo.worker.serve;

import io.octavo.engine.serve.CompletionEvent;
import io.octavo.engine.serve.Usage;
import io.octavo.worker.openai.OpenAiCode;
import io.octavo.worker.openai.OpenAiException;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** Tells a receiver what becomes of a call's requests, until all have ended, one has failed or the client is gone. */
final class AnswerLoop {

    /** How often it is looked whether the client is still there. */
    private static final Duration LOOK = Duration.ofMillis(250);

    private final HttpCall call;
    private final Submissions submissions;
    private final int choices;
    private final AnswerReceiver receiver;
    private final ServeMeters meters;
    private Usage usage = new Usage(0, 0, 0);
    private int open;
    private long looked = System.nanoTime();

    /** @param choices of each request */
    AnswerLoop(HttpCall call, Submissions submissions, int choices, AnswerReceiver receiver, ServeMeters meters) {
        this.call = call;
        this.submissions = submissions;
        this.choices = choices;
        this.receiver = receiver;
        this.meters = meters;
        this.open = submissions.count();
    }

    void run() throws IOException, InterruptedException {
        while (open > 0) {
            Optional<Submissions.Event> next = next();
            if (call.serverIsStopping()) {
                open = 0;
                receiver.fail(new OpenAiException(OpenAiCode.SERVER_OVERLOADED, null, "the server is stopping"));
                return;
            }
            requireClient();
            if (next.isPresent()) {
                tell(next.get().prompt() * choices, next.get().event());
            }
        }
    }

    private Optional<Submissions.Event> next() throws IOException, InterruptedException {
        Optional<Submissions.Event> next = submissions.next(Duration.ZERO);
        if (next.isPresent()) {
            return next;
        }
        receiver.idle();
        return submissions.next(LOOK);
    }

    private void requireClient() throws ClientGoneException {
        if (System.nanoTime() - looked < LOOK.toNanos()) {
            return;
        }
        looked = System.nanoTime();
        if (call.clientIsGone()) {
            throw new ClientGoneException();
        }
    }

    /** @param first number of the request's first choice */
    private void tell(int first, CompletionEvent event) throws IOException {
        switch (event) {
            case CompletionEvent.Prompt prompt -> {
                for (int choice = first; choice < first + choices; choice++) {
                    receiver.grow(choice, prompt.text(), prompt.tokens());
                }
            }
            case CompletionEvent.Piece piece -> {
                if (!piece.tokens().isEmpty() && call.tokenCame()) {
                    meters.firstTokenAfter(call.elapsed());
                }
                receiver.grow(first + piece.choice(), piece.text(), piece.tokens());
            }
            case CompletionEvent.Finish finish -> receiver.finish(first + finish.choice(), finish.reason());
            case CompletionEvent.End end -> end(end.usage());
            case CompletionEvent.Failure failure -> {
                open = 0;
                count(failure.usage());
                receiver.fail(Failures.translate(failure.code(), failure.message(), null, null));
            }
        }
    }

    private void end(Usage last) throws IOException {
        open--;
        count(last);
        if (open == 0) {
            receiver.end(usage);
        }
    }

    private void count(Usage more) {
        usage = new Usage(
                usage.promptTokens() + more.promptTokens(),
                usage.cachedTokens() + more.cachedTokens(),
                usage.completionTokens() + more.completionTokens());
        call.used(usage);
    }
}
