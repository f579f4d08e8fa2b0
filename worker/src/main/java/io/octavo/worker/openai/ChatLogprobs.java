package io.octavo.worker.openai;

import io.octavo.engine.serve.TokenInfo;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The log probabilities of a chat's answer, a token each. */
public record ChatLogprobs(List<Token> content) {

    /** @param bytes of the token in UTF-8; null of a part of a character whose tokenizer spells bytes in no known way */
    public record Token(
            String token, float logprob, @Nullable List<Integer> bytes, List<Top> topLogprobs) {}

    /** One of the most likely tokens in a place. */
    public record Top(String token, float logprob, @Nullable List<Integer> bytes) {}

    static ChatLogprobs of(List<TokenInfo> tokens) {
        var content = new ArrayList<Token>();
        for (TokenInfo token : tokens) {
            Float logprob = token.logprob();
            if (logprob != null) {
                content.add(new Token(token.text(), logprob, bytes(token.text(), token.bytes()), top(token)));
            }
        }
        return new ChatLogprobs(content);
    }

    private static List<Top> top(TokenInfo token) {
        return token.top().stream()
                .map(other -> new Top(other.text(), other.logprob(), bytes(other.text(), other.bytes())))
                .toList();
    }

    private static @Nullable List<Integer> bytes(String text, @Nullable List<Integer> known) {
        if (known != null || text.indexOf('\uFFFD') >= 0) {
            return known;
        }
        var bytes = new ArrayList<Integer>();
        for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
            bytes.add(Byte.toUnsignedInt(one));
        }
        return bytes;
    }
}
