package io.octavo.worker.serve;

import io.octavo.engine.serve.FinishReason;
import io.octavo.engine.serve.TokenInfo;
import io.octavo.engine.serve.Usage;
import io.octavo.worker.openai.AnswerShape;
import io.octavo.worker.openai.OpenAiException;
import java.io.IOException;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Sends the texts as they come. Until the first part or comment is sent, a failure is answered as any other. */
final class StreamedAnswer implements AnswerReceiver {

    private static final Duration SILENCE = Duration.ofSeconds(10);

    private final HttpCall call;
    private final AnswerShape shape;
    private final boolean logprobs;
    private final boolean usage;
    private final BitSet opened = new BitSet();
    private @Nullable EventStream stream;
    private boolean unsent;
    private long sentAt = System.nanoTime();

    StreamedAnswer(HttpCall call, AnswerShape shape, boolean logprobs, boolean usage) {
        this.call = call;
        this.shape = shape;
        this.logprobs = logprobs;
        this.usage = usage;
    }

    @Override
    public void grow(int choice, String text, List<TokenInfo> tokens) throws IOException {
        if (!text.isEmpty() || (logprobs && !tokens.isEmpty())) {
            open(choice);
            send(shape.part(choice, text, tokens));
        }
    }

    @Override
    public void finish(int choice, FinishReason reason) throws IOException {
        open(choice);
        send(shape.ending(choice, reason));
    }

    private void open(int choice) throws IOException {
        Optional<Object> opening = opened.get(choice) ? Optional.empty() : shape.opening(choice);
        opened.set(choice);
        if (opening.isPresent()) {
            send(opening.get());
        }
    }

    /** What happened at once goes out at once. */
    @Override
    public void idle() throws IOException {
        if (unsent) {
            stream().flush();
            unsent = false;
            sentAt = System.nanoTime();
        } else if (System.nanoTime() - sentAt > SILENCE.toNanos()) {
            stream().keepAlive();
            sentAt = System.nanoTime();
        }
    }

    @Override
    public void end(Usage counted) throws IOException {
        if (usage) {
            send(shape.counted(counted));
        }
        stream().end();
    }

    @Override
    public void fail(OpenAiException failure) throws IOException {
        if (stream == null) {
            throw failure;
        }
        call.failed(failure);
        send(failure.answer());
        stream().end();
    }

    private void send(Object part) throws IOException {
        stream().send(part);
        unsent = true;
    }

    private EventStream stream() throws IOException {
        if (stream == null) {
            stream = call.stream(usage);
        }
        return stream;
    }
}
