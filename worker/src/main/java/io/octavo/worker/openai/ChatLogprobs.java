package io.octavo.worker.openai;

import io.octavo.engine.serve.TokenInfo;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The log probabilities of a chat's answer, a token each. */
public record ChatLogprobs(List<Token> content) {

    /** @param bytes of the token in UTF-8; null of a token that is a part of a character */
    public record Token(
            String token, float logprob, @Nullable List<Integer> bytes, List<Top> topLogprobs) {}

    /** One of the most likely tokens in a place. */
    public record Top(String token, float logprob, @Nullable List<Integer> bytes) {}

    static ChatLogprobs of(List<TokenInfo> tokens) {
        var content = new ArrayList<Token>();
        for (TokenInfo token : tokens) {
            Float logprob = token.logprob();
            if (logprob != null) {
                content.add(new Token(token.text(), logprob, bytes(token.text()), top(token)));
            }
        }
        return new ChatLogprobs(content);
    }

    private static List<Top> top(TokenInfo token) {
        return token.top().stream()
                .map(other -> new Top(other.text(), other.logprob(), bytes(other.text())))
                .toList();
    }

    private static @Nullable List<Integer> bytes(String text) {
        if (text.indexOf('\uFFFD') >= 0) {
            return null;
        }
        var bytes = new ArrayList<Integer>();
        for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
            bytes.add(Byte.toUnsignedInt(one));
        }
        return bytes;
    }
}
