package io.octavo.worker.serve;

import io.octavo.engine.serve.FinishReason;
import io.octavo.engine.serve.TokenInfo;
import io.octavo.engine.serve.Usage;
import io.octavo.worker.openai.OpenAiException;
import java.io.IOException;
import java.util.List;

/** What is told of a call's texts on their way, choices numbered by prompt first. */
interface AnswerReceiver {

    void grow(int choice, String text, List<TokenInfo> tokens) throws IOException;

    void finish(int choice, FinishReason reason) throws IOException;

    /** Nothing has happened for a moment. */
    void idle() throws IOException;

    /** All texts have ended. */
    void end(Usage usage) throws IOException;

    /** The texts will not end. */
    void fail(OpenAiException failure) throws IOException;
}
