package io.octavo.worker.openai;

import io.octavo.engine.serve.FinishReason;
import io.octavo.engine.serve.TokenInfo;
import io.octavo.engine.serve.Usage;
import io.octavo.worker.openai.TextCompletion.Choice;
import io.octavo.worker.openai.TextCompletion.Logprobs;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Answers of {@code /v1/completions}. */
public final class CompletionShape implements AnswerShape {

    private final AnswerHead head;
    private final boolean logprobs;

    /** Where the next token of each choice begins. */
    private final Map<Integer, Integer> offsets = new HashMap<>();

    public CompletionShape(AnswerHead head, boolean logprobs) {
        this.head = head;
        this.logprobs = logprobs;
    }

    @Override
    public TextCompletion whole(List<AnswerText> texts, Usage usage) {
        var choices = new ArrayList<Choice>();
        for (AnswerText text : texts) {
            choices.add(choice(choices.size(), text.text(), text.tokens(), text.reason()));
        }
        return TextCompletion.of(head, choices, TokenUsage.of(usage));
    }

    @Override
    public Optional<Object> opening(int choice) {
        return Optional.empty();
    }

    @Override
    public TextCompletion part(int choice, String text, List<TokenInfo> tokens) {
        return TextCompletion.of(head, List.of(choice(choice, text, tokens, null)), null);
    }

    @Override
    public TextCompletion ending(int choice, FinishReason reason) {
        return TextCompletion.of(head, List.of(new Choice(choice, "", null, AnswerShape.word(reason))), null);
    }

    @Override
    public TextCompletion counted(Usage usage) {
        return TextCompletion.of(head, List.of(), TokenUsage.of(usage));
    }

    private Choice choice(int index, String text, List<TokenInfo> tokens, @Nullable FinishReason reason) {
        return new Choice(index, text, logprobs ? logprobs(index, tokens) : null, AnswerShape.nullableWord(reason));
    }

    private Logprobs logprobs(int choice, List<TokenInfo> tokens) {
        var told = new Logprobs(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        int offset = offsets.getOrDefault(choice, 0);
        for (TokenInfo token : tokens) {
            told.tokens().add(token.text());
            told.tokenLogprobs().add(token.logprob());
            told.topLogprobs().add(top(token));
            told.textOffset().add(offset);
            offset += token.special() ? 0 : token.text().length();
        }
        offsets.put(choice, offset);
        return told;
    }

    /** Of two tokens with the same text, such as parts of characters, the likelier one counts. */
    private static @Nullable Map<String, Float> top(TokenInfo token) {
        Float own = token.logprob();
        if (own == null || token.top().isEmpty()) {
            return null;
        }
        var top = new LinkedHashMap<String, Float>();
        token.top().forEach(other -> top.merge(other.text(), other.logprob(), Math::max));
        top.putIfAbsent(token.text(), own);
        return top;
    }
}
