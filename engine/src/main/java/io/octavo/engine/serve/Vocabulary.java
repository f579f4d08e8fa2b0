package io.octavo.engine.serve;

import io.octavo.engine.tokenizer.Tokenizer;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A tokenizer's texts of single tokens, and of many. One thread at a time uses it. */
final class Vocabulary {

    private final Tokenizer tokenizer;
    private final @Nullable String[] texts;

    Vocabulary(Tokenizer tokenizer, int size) {
        this.tokenizer = tokenizer;
        this.texts = new @Nullable String[size];
    }

    String text(int token) {
        String known = texts[token];
        if (known == null) {
            known = tokenizer.decodeToken(token);
            texts[token] = known;
        }
        return known;
    }

    /** What it is, without what is known of its place. */
    TokenInfo info(int token) {
        return info(token, null, List.of());
    }

    TokenInfo info(int token, @Nullable Float logprob, List<TokenInfo.Alternative> top) {
        String text = text(token);
        boolean special = !text.isEmpty() && tokenizer.decode(List.of(token)).isEmpty();
        return new TokenInfo(token, text, special, logprob, top, bytes(token));
    }

    TokenInfo.Alternative alternative(int token, float logprob) {
        return new TokenInfo.Alternative(token, text(token), logprob, bytes(token));
    }

    /** Of a part of a character. */
    private @Nullable List<Integer> bytes(int token) {
        return text(token).indexOf('\uFFFD') < 0
                ? null
                : tokenizer
                        .bytes(token)
                        .map(bytes -> IntStream.range(0, bytes.length)
                                .mapToObj(i -> Byte.toUnsignedInt(bytes[i]))
                                .toList())
                        .orElse(null);
    }

    String decode(List<Integer> tokens) {
        return tokenizer.decode(tokens);
    }
}
