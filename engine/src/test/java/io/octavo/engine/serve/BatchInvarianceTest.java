package io.octavo.engine.serve;

import static io.octavo.engine.serve.ServingFixture.NEVER;
import static io.octavo.engine.serve.ServingFixture.greedy;
import static io.octavo.engine.serve.ServingFixture.options;
import static io.octavo.engine.serve.ServingFixture.prompt;
import static io.octavo.engine.serve.ServingFixture.serve;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.TestModels;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a text is does not depend on what else runs, nor on when it lost its pages or found others. */
class BatchInvarianceTest {

    private static final int TEXTS = 32;

    /** Of 3 to 313 tokens, in no order, a third of them drawn; of half of them every bit of the log-probabilities counts. */
    private static final List<CompletionRequest> REQUESTS = IntStream.range(0, TEXTS)
            .mapToObj(i -> {
                SamplingParameters sampling = i % 3 == 0 ? SamplingParameters.drawn(1, i) : SamplingParameters.greedy();
                List<Integer> prompt = prompt(i, 3 + i * 17 % 32 * 10);
                return new CompletionRequest("client", prompt, 1, 40, sampling, NEVER, i % 2 == 0 ? 0 : null, false);
            })
            .toList();

    @Test
    void continuesAsTransformersDoes() throws IOException {
        JsonNode golden = JsonMapper.shared()
                .readTree(Files.readString(TestModels.books5m().resolve("golden_generate.json")));
        List<Integer> prompt = ids(golden.path("input_ids"));
        List<Integer> whole = ids(golden.path("greedy_ids"));
        try (ServedModel model = serve()) {
            assertThat(model.encodePrompt(golden.path("prompt").stringValue())).isEqualTo(prompt);
            Answer answer = Answer.of(model.submit(greedy(prompt, whole.size() - prompt.size())));
            assertThat(answer.ids()).isEqualTo(whole.subList(prompt.size(), whole.size()));
            assertThat(golden.path("greedy_text").stringValue()).endsWith(answer.text());
        }
    }

    private static List<Integer> ids(JsonNode array) {
        return array.valueStream().map(JsonNode::intValue).toList();
    }

    /** Each in its turn, with whole prompts in one step. */
    private static List<List<TokenInfo>> alone() {
        try (ServedModel model = serve(options(1, 512, null))) {
            return REQUESTS.stream()
                    .map(request -> Answer.of(model.submit(request)).only().tokens)
                    .toList();
        }
    }

    private static List<List<TokenInfo>> together(ServedModel model) {
        List<Completion> completions = REQUESTS.stream().map(model::submit).toList();
        List<List<TokenInfo>> found = new ArrayList<>();
        completions.forEach(completion -> found.add(Answer.of(completion).only().tokens));
        return found;
    }

    @Test
    void textsAreTheSameAloneAndTogetherAndWithoutTheirPages() {
        List<List<TokenInfo>> alone = alone();
        try (ServedModel model = serve(options(32, 96, null))) {
            assertThat(together(model)).isEqualTo(alone);
            assertThat(model.health().preemptions()).isZero();
            // Again, now that the prompts' pages are there.
            assertThat(together(model)).isEqualTo(alone);
            assertThat(model.health().cachedTokens()).isGreaterThan(1000);
        }
        try (ServedModel model = serve(options(32, 96, 14))) {
            assertThat(together(model)).isEqualTo(alone);
            assertThat(model.health().preemptions()).isPositive();
            assertThat(model.health().freePages()).isEqualTo(14);
        }
    }
}
