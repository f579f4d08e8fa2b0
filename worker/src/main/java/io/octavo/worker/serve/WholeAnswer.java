package io.octavo.worker.serve;

import io.octavo.engine.serve.FinishReason;
import io.octavo.engine.serve.TokenInfo;
import io.octavo.engine.serve.Usage;
import io.octavo.worker.openai.AnswerShape;
import io.octavo.worker.openai.AnswerText;
import io.octavo.worker.openai.OpenAiException;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;

/** Collects the texts, and answers once all have ended. */
final class WholeAnswer implements AnswerReceiver {

    private final HttpCall call;
    private final AnswerShape shape;
    private final List<AnswerText> texts;

    WholeAnswer(HttpCall call, AnswerShape shape, int choices) {
        this.call = call;
        this.shape = shape;
        this.texts = Stream.generate(AnswerText::new).limit(choices).toList();
    }

    @Override
    public void grow(int choice, String text, List<TokenInfo> tokens) {
        texts.get(choice).grow(text, tokens);
    }

    @Override
    public void finish(int choice, FinishReason reason) {
        texts.get(choice).end(reason);
    }

    @Override
    public void idle() {
        // Nothing of the answer is sent before its end.
    }

    @Override
    public void end(Usage usage) throws IOException {
        call.answer(shape.whole(texts, usage));
    }

    @Override
    public void fail(OpenAiException failure) {
        throw failure;
    }
}
