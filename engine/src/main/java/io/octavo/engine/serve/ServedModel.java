package io.octavo.engine.serve;

import io.octavo.engine.chat.Chat;
import io.octavo.engine.failure.QuantizationException;
import java.util.List;

/**
 * A model that answers requests until it is closed.
 *
 * <p>Every method may be called by any thread and none of them waits for the device, except {@link #close()}. One thread of its
 * own runs the model; it hands what it makes to the {@link Completion}s, and never waits for those who read them.
 */
public interface ServedModel extends AutoCloseable {

    /** What requests have to fit; it never changes. */
    ServingLimits limits();

    /**
     * Token ids of a text as it is: no token is put before it.
     *
     * @throws IllegalStateException after {@link #close()}
     */
    List<Integer> encode(String text);

    /** Token ids of a text to go on from: with the model's BOS before it, if it has one. */
    List<Integer> encodePrompt(String text);

    /** The text of tokens, special tokens left out. */
    String decode(List<Integer> tokens);

    /**
     * A chat as a text, by the model's template; {@link #encode} makes its tokens, since the template writes BOS itself.
     *
     * @throws QuantizationException with a {@code chat-template-} code
     */
    String render(Chat chat);

    /**
     * Puts a request into the queue.
     *
     * @return what will become of it; whoever submits closes it
     * @throws QuantizationException {@code prompt-too-long} if the prompt is empty, or leaves no room for a token;
     *     {@code queue-full} if too many requests wait, of all or of this client; {@code serving-stopped} after
     *     {@link #close()}, {@code device-fault} after the device has failed
     * @throws IllegalArgumentException if a token id is none of the model's
     */
    Completion submit(CompletionRequest request);

    /** How things stand. */
    ServingHealth health();

    /**
     * Ends all requests with the failure {@code serving-stopped} and frees the device; waits for the step that runs, but not
     * longer than a minute. Idempotent.
     */
    @Override
    void close();
}
