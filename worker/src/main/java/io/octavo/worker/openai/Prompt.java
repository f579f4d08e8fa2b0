package io.octavo.worker.openai;

import java.util.List;

/** What a completion goes on from. */
public sealed interface Prompt {

    /** Which the model's tokenizer splits, and before which BOS is put. */
    record Text(String text) implements Prompt {}

    /** Ids, taken as they are, at least one. */
    record Tokens(List<Integer> ids) implements Prompt {
        public Tokens {
            ids = List.copyOf(ids);
        }
    }
}
