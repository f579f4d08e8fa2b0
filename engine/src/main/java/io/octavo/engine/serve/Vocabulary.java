package io.octavo.engine.serve;

import io.octavo.engine.tokenizer.Tokenizer;
import java.util.List;
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

    String decode(List<Integer> tokens) {
        return tokenizer.decode(tokens);
    }
}
