package io.octavo.engine.serve;

import static io.octavo.engine.serve.ServingFixture.NEVER;
import static io.octavo.engine.serve.ServingFixture.VOCABULARY;
import static io.octavo.engine.serve.ServingFixture.greedy;
import static io.octavo.engine.serve.ServingFixture.prompt;
import static io.octavo.engine.serve.ServingFixture.serve;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a request asks for, and gets. */
class ServedModelTest {

    private static ServedModel model;

    @BeforeAll
    static void open() {
        model = serve();
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static Answer ask(CompletionRequest request) {
        return Answer.of(model.submit(request));
    }

    private static final String PROMPT = "The old man looked out of the window and";

    private static Answer ask(StopConditions stop, SamplingParameters sampling, int maxTokens) {
        return ask(new CompletionRequest("client", model.encodePrompt(PROMPT), maxTokens, sampling, stop));
    }

    private static String text(int maxTokens) {
        return ask(NEVER, SamplingParameters.greedy(), maxTokens).text();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 8})
    void stopsAtStringsThatTokensSplit(int length) {
        String whole = text(32);
        for (int at = 0; at + length <= whole.length(); at += 3) {
            String string = whole.substring(at, at + length);
            Answer answer = ask(StopConditions.at(string), SamplingParameters.greedy(), 32);
            assertThat(answer.text()).isEqualTo(whole.substring(0, whole.indexOf(string)));
            assertThat(answer.only().reason).isEqualTo(FinishReason.STOP);
            assertThat(answer.only().stop).isEqualTo(string);
        }
    }

    @Test
    void givesWhatItHeldBackForAStopStringThatNeverCame() {
        String whole = text(16);
        String string = whole.substring(whole.length() - 3) + "\u0000";
        Answer answer =
                ask(new StopConditions(List.of(string), Set.of(), true, false), SamplingParameters.greedy(), 16);
        assertThat(answer.text()).isEqualTo(whole);
        assertThat(answer.only().reason).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void keepsTheStopStringIfAsked() {
        String whole = text(16);
        String string = whole.substring(7, 12);
        Answer answer = ask(new StopConditions(List.of(string), Set.of(), true, true), SamplingParameters.greedy(), 16);
        assertThat(answer.text()).isEqualTo(whole.substring(0, whole.indexOf(string) + string.length()));
    }

    @Test
    void stopsAtTokens() {
        List<Integer> ids = ask(NEVER, SamplingParameters.greedy(), 12).ids();
        int token = ids.get(6);
        var stop = new StopConditions(List.of(), Set.of(token), true, false);
        Answer answer = ask(stop, SamplingParameters.greedy(), 12);
        assertThat(answer.ids()).isEqualTo(ids.subList(0, ids.indexOf(token) + 1));
        assertThat(answer.text()).isEqualTo(model.decode(ids.subList(0, ids.indexOf(token))));
        assertThat(answer.only().reason).isEqualTo(FinishReason.STOP);
    }

    @Test
    void endsWhereTheModelDoesUnlessToldNotTo() {
        var biased = new SamplingParameters(0, 0, 1, 0, 1, 0, 0, Map.of(1, 100f), 0L);
        Answer ended = ask(StopConditions.none(), biased, 5);
        assertThat(ended.ids()).containsExactly(1);
        assertThat(ended.text()).isEmpty();
        assertThat(ended.only().reason).isEqualTo(FinishReason.STOP);
        Answer ignoring = ask(NEVER, biased, 5);
        assertThat(ignoring.ids()).containsExactly(1, 1, 1, 1, 1);
        assertThat(ignoring.only().reason).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void penaltiesKeepTokensFromComingAgain() {
        List<Integer> plain = ask(NEVER, SamplingParameters.greedy(), 40).ids();
        assertThat(new HashSet<>(plain)).hasSizeLessThan(plain.size());
        var frequent = new SamplingParameters(0, 0, 1, 0, 1, 2, 2, Map.of(), 0L);
        List<Integer> penalized = ask(NEVER, frequent, 40).ids();
        assertThat(new HashSet<>(penalized)).hasSizeGreaterThan(new HashSet<>(plain).size());
        assertThat(penalized).startsWith(plain.getFirst());
    }

    /** The same whether the device knows the penalty alone or the host applies it beside others. */
    @Test
    void theRepetitionPenaltyIsTheSameOnHostAndDevice() {
        var device = new SamplingParameters(0.8f, 40, 0.95f, 0, 1.3f, 0, 0, Map.of(), 5L);
        var host = new SamplingParameters(0.8f, 40, 0.95f, 0, 1.3f, 0, 0, Map.of(9, 0f), 5L);
        assertThat(ask(NEVER, host, 30).ids()).isEqualTo(ask(NEVER, device, 30).ids());
    }

    @Test
    void choicesDifferAndComeAgainWithTheirSeed() {
        var request = new CompletionRequest(
                "client", prompt(3, 140), 5, 12, SamplingParameters.drawn(1, 77), NEVER, null, false);
        Answer first = ask(request);
        Answer again = ask(request);
        List<List<Integer>> texts =
                IntStream.range(0, 5).mapToObj(i -> first.get(i).ids()).toList();
        assertThat(new HashSet<>(texts)).hasSize(5);
        assertThat(texts)
                .isEqualTo(
                        IntStream.range(0, 5).mapToObj(i -> again.get(i).ids()).toList());
        assertThat(first.usage).isEqualTo(new Usage(140, 0, 60));
        assertThat(again.usage).isEqualTo(new Usage(140, 128, 60));
    }

    @Test
    void withoutASeedTextsDiffer() {
        var sampling = new SamplingParameters(1, 0, 1, 0, 1, 0, 0, Map.of(), null);
        assertThat(ask(NEVER, sampling, 20).ids())
                .isNotEqualTo(ask(NEVER, sampling, 20).ids());
    }

    /** A prompt scored in many pieces, and one scored by what it draws when it is its own continuation. */
    @Test
    void scoresPromptsAndTextsAlike() {
        List<Integer> prompt = model.encodePrompt(PROMPT);
        Answer drawn =
                ask(new CompletionRequest("client", prompt, 1, 60, SamplingParameters.greedy(), NEVER, 3, false));
        List<Integer> whole = new ArrayList<>(prompt);
        whole.addAll(drawn.ids());
        Answer echoed = ask(new CompletionRequest("client", whole, 1, 0, SamplingParameters.greedy(), NEVER, 3, true));

        List<TokenInfo> tokens = echoed.prompt().tokens();
        assertThat(tokens.stream().map(TokenInfo::id).toList()).isEqualTo(whole);
        assertThat(tokens.getFirst().logprob()).isNull();
        assertThat(echoed.prompt().text()).isEqualTo(PROMPT + drawn.text());
        for (int i = 0; i < 60; i++) {
            TokenInfo asText = drawn.only().tokens.get(i);
            TokenInfo asPrompt = tokens.get(prompt.size() + i);
            assertThat(asPrompt.logprob()).isCloseTo(asText.logprob(), Offset.offset(1e-5f));
            assertThat(asPrompt.top().stream().map(TokenInfo.Alternative::id).toList())
                    .isEqualTo(
                            asText.top().stream().map(TokenInfo.Alternative::id).toList());
            assertThat(asText.top()).hasSize(3);
            assertThat(asText.top().getFirst().id()).isEqualTo(asText.id());
            assertThat(asText.top().getFirst().logprob()).isEqualTo(asText.logprob());
        }
        assertThat(echoed.only().reason).isEqualTo(FinishReason.LENGTH);
        assertThat(echoed.usage().completionTokens()).isZero();
    }

    /** Texts of such tokens alone hold U+FFFD. */
    @Test
    void tellsTheBytesOfPartsOfCharacters() {
        String text = "日本🦊";
        Answer answer = ask(new CompletionRequest(
                "client", model.encode(text), 1, 0, SamplingParameters.greedy(), NEVER, 20, true));
        var bytes = new ByteArrayOutputStream();
        for (TokenInfo token : answer.prompt().tokens()) {
            List<Integer> own = Objects.requireNonNull(token.bytes());
            assertThat(own).hasSizeLessThan(4);
            own.forEach(bytes::write);
            assertThat(token.top())
                    .allSatisfy(top ->
                            assertThat(top.bytes() != null).isEqualTo(top.text().contains("\uFFFD")));
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo(text);
    }

    @Test
    void probabilitiesOfAllTokensAddUpToOne() {
        // As many as can be asked for, of a token that is certain by far.
        Answer answer = ask(
                new CompletionRequest("client", prompt(1, 200), 1, 1, SamplingParameters.greedy(), NEVER, 20, true));
        for (TokenInfo token : answer.prompt().tokens().subList(1, 200)) {
            double sum = token.top().stream()
                    .mapToDouble(top -> Math.exp(top.logprob()))
                    .sum();
            assertThat(sum).isBetween(0.0, 1.0001);
            assertThat(token.logprob())
                    .isLessThanOrEqualTo(token.top().getFirst().logprob());
        }
    }

    @Test
    void echoesWithoutScores() {
        Answer answer = ask(new CompletionRequest(
                "client", model.encodePrompt(PROMPT), 1, 2, SamplingParameters.greedy(), NEVER, null, true));
        assertThat(answer.prompt().text()).isEqualTo(PROMPT);
        assertThat(answer.prompt().tokens())
                .allSatisfy(token -> assertThat(token.logprob()).isNull());
    }

    @Test
    void cutsTextsAtTheModelsLength() {
        Answer answer = ask(greedy(prompt(2, 500), 100));
        assertThat(answer.ids()).hasSize(12);
        assertThat(answer.only().reason).isEqualTo(FinishReason.LENGTH);
        assertThat(ask(greedy(prompt(2, 511), 100)).ids()).hasSize(1);
        assertCode(greedy(prompt(2, 512), 1), ErrorCode.PROMPT_TOO_LONG);
        assertThat(ask(greedy(prompt(2, 512), 0)).get(0).tokens).isEmpty();
        assertCode(greedy(prompt(2, 513), 0), ErrorCode.PROMPT_TOO_LONG);
        assertCode(greedy(List.of(), 1), ErrorCode.PROMPT_TOO_LONG);
    }

    private static void assertCode(CompletionRequest request, ErrorCode code) {
        assertThatThrownBy(() -> model.submit(request))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, VOCABULARY})
    void refusesTokensThatTheModelDoesNotHave(int token) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> model.submit(greedy(List.of(0, token), 1)))
                .withMessageContaining("token id is " + token);
        var biased = new SamplingParameters(0, 0, 1, 0, 1, 0, 0, Map.of(token, 1f), 0L);
        assertThatIllegalArgumentException().isThrownBy(() -> ask(NEVER, biased, 1));
    }

    @Test
    void findsPromptsThatBeginAlike() {
        List<Integer> prompt = prompt(4, 300);
        Answer first = ask(greedy(prompt, 8));
        long cached = model.health().cachedTokens();
        Answer again = ask(greedy(prompt, 8));
        assertThat(again.ids()).isEqualTo(first.ids());
        assertThat(again.usage().cachedTokens()).isEqualTo(256);
        assertThat(model.health().cachedTokens() - cached).isEqualTo(256);

        List<Integer> other = new ArrayList<>(prompt.subList(0, 130));
        other.addAll(prompt(5, 60));
        assertThat(ask(greedy(other, 1)).usage().cachedTokens()).isEqualTo(128);
        // A whole number of pages: the last one is computed again, since logits come of it.
        assertThat(ask(greedy(prompt.subList(0, 128), 1)).usage().cachedTokens())
                .isEqualTo(64);
    }

    @Test
    void givesAllPagesBack() {
        assertThat(model.health().freePages()).isEqualTo(model.limits().pages());
        assertThat(model.health().running()).isZero();
        assertThat(model.health().waiting()).isZero();
    }
}
