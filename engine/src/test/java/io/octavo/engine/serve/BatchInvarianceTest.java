package io.octavo.engine.serve;

import static io.octavo.engine.serve.ServingFixture.NEVER;
import static io.octavo.engine.serve.ServingFixture.greedy;
import static io.octavo.engine.serve.ServingFixture.options;
import static io.octavo.engine.serve.ServingFixture.prompt;
import static io.octavo.engine.serve.ServingFixture.serve;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.TestModels;
import io.octavo.engine.request.JobMonitor;
import io.octavo.kernels.Backends;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
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
    void continuesAsTransformersDoesAloneAndAmongOthers() throws IOException {
        assertContinues(TestModels.books5m());
    }

    @Test
    void continuesBooks28mAsTransformersDoesAloneAndAmongOthers() throws IOException {
        assertContinues(TestModels.shared("models/books-28m"));
    }

    private static void assertContinues(Path folder) throws IOException {
        JsonNode golden = JsonMapper.shared().readTree(Files.readString(folder.resolve("golden_generate.json")));
        List<Integer> prompt = ids(golden.path("input_ids"));
        List<Integer> whole = ids(golden.path("greedy_ids"));
        CompletionRequest asked = greedy(prompt, whole.size() - prompt.size());
        try (ServedModel model =
                ServedModels.open(Backends.cpu(2), folder, options(TEXTS, 96, null), JobMonitor.none())) {
            assertThat(model.encodePrompt(golden.path("prompt").stringValue())).isEqualTo(prompt);
            Answer alone = Answer.of(model.submit(asked));
            assertThat(alone.ids()).isEqualTo(whole.subList(prompt.size(), whole.size()));
            assertThat(golden.path("greedy_text").stringValue()).endsWith(alone.text());
            List<CompletionRequest> all = new ArrayList<>(REQUESTS.subList(1, TEXTS));
            all.add(TEXTS / 2, asked);
            List<TokenInfo> among = together(model, all).get(TEXTS / 2);
            assertThat(among.stream().map(TokenInfo::id).toList()).isEqualTo(alone.ids());
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

    private static List<List<TokenInfo>> together(ServedModel model, List<CompletionRequest> requests) {
        List<Completion> completions = requests.stream().map(model::submit).toList();
        List<List<TokenInfo>> found = new ArrayList<>();
        completions.forEach(completion -> found.add(Answer.of(completion).only().tokens));
        return found;
    }

    @Test
    void textsAreTheSameAloneAndTogetherAndWithoutTheirPages() {
        List<List<TokenInfo>> alone = alone();
        try (ServedModel model = serve(options(32, 96, null))) {
            assertThat(together(model, REQUESTS)).isEqualTo(alone);
            assertThat(model.health().preemptions()).isZero();
            // Again, now that the prompts' pages are there.
            assertThat(together(model, REQUESTS)).isEqualTo(alone);
            assertThat(model.health().cachedTokens()).isGreaterThan(1000);
        }
        try (ServedModel model = serve(options(32, 96, 14))) {
            assertThat(together(model, REQUESTS)).isEqualTo(alone);
            assertThat(model.health().preemptions()).isPositive();
            assertThat(model.health().freePages()).isEqualTo(14);
        }
    }

    /** Where each token and head has a scale of its own, or 16 bits. */
    @ParameterizedTest
    @EnumSource(names = {"BF16", "F8_E4M3", "I8"})
    void soAreThoseInCachesOfFewerBits(DType type) {
        List<CompletionRequest> some = IntStream.range(0, 4)
                .mapToObj(i -> new CompletionRequest(
                        "client", prompt(i, 50 + 10 * i), 1, 90, SamplingParameters.greedy(), NEVER, 0, false))
                .toList();
        long pageBytes = ServingFixture.pageBytes(type);
        List<List<TokenInfo>> alone;
        try (ServedModel model = serve(new ServingOptions(512, 1, 512, 16 * pageBytes, type, false, 9, 9, null))) {
            alone = together(model, some);
        }
        try (ServedModel model = serve(new ServingOptions(512, 4, 64, 6 * pageBytes, type, true, 9, 9, null))) {
            assertThat(together(model, some)).isEqualTo(alone);
            assertThat(model.health().preemptions()).isPositive();
        }
    }
}
