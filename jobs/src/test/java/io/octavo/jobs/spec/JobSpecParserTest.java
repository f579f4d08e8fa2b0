package io.octavo.jobs.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.jobs.problem.ProblemException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

class JobSpecParserTest {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final JobSpecParser parser = new JobSpecParser(new Catalog());

    private static final class Catalog implements SchemeCatalog {
        @Override
        public List<SchemeInfo> schemes() {
            return List.of(new SchemeInfo("FP8", "eight bits"), new SchemeInfo("W4A16", "four bits"));
        }

        @Override
        public List<String> layouts() {
            return List.of(JobSpecParser.DEFAULT_LAYOUT);
        }
    }

    @Test
    void readsEverythingThatAQuantizeJobMaySay() {
        QuantizeSpec spec = (QuantizeSpec) parse("""
                "overrides": [{"scheme": "W4A16", "targets": ["re:.*mlp.*"]}],
                "kvCache": {"type": "fp8", "granularity": "head"},
                "calibration": {"dataset": "hub:a/texts#train.jsonl", "samples": 128, "sequenceLength": 512, "seed": 7}
                """);
        assertThat(spec.overrides()).containsExactly(new QuantizeSpec.SchemeOverride("W4A16", List.of("re:.*mlp.*")));
        assertThat(spec.kvCache()).contains(new QuantizeSpec.KvCache("fp8", "head"));
        QuantizeSpec.Calibration calibration = spec.calibration().orElseThrow();
        assertThat(calibration.dataset()).hasToString("hub:a/texts#train.jsonl");
        assertThat(calibration.samples()).isEqualTo(128);
        assertThat(calibration.sequenceLength()).isEqualTo(512);
        assertThat(calibration.seed()).isEqualTo(7);
        assertThat(parser.parseStored(spec.toJson())).isEqualTo(spec);
    }

    @Test
    void needsNoneOfIt() {
        QuantizeSpec spec = (QuantizeSpec) parse("\"priority\": 1");
        assertThat(spec.overrides()).isEmpty();
        assertThat(spec.kvCache()).isEmpty();
        assertThat(spec.calibration()).isEmpty();
        assertThat(parser.parseStored(spec.toJson())).isEqualTo(spec);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"overrides\": [{\"scheme\": \"W4A16\", \"targets\": []}]",
                "\"overrides\": [{\"scheme\": \"W3A16\", \"targets\": [\"a\"]}]",
                "\"overrides\": {\"scheme\": \"W4A16\"}",
                "\"kvCache\": {\"type\": \"int8\"}",
                "\"kvCache\": {\"type\": \"fp8\", \"granularity\": \"token\"}",
                "\"kvCache\": {\"type\": \"fp8\", \"bits\": 8}",
                "\"kvCache\": \"fp8\"",
                "\"calibration\": {\"samples\": 8}",
                "\"calibration\": {\"dataset\": \"hub:a/texts\", \"samples\": 0}",
                "\"calibration\": {\"dataset\": \"hub:a/texts\", \"seed\": -1}",
                "\"calibration\": {\"dataset\": \"hub:a/texts\", \"observer\": \"mse\"}"
            })
    void refusesWhatItDoesNotKnow(String members) {
        assertThatThrownBy(() -> parse(members)).isInstanceOf(ProblemException.class);
    }

    @Test
    void drawsTheMostLikelyTokensUnlessAskedOtherwise() {
        TaskSpec.Generation plain = generation("");
        assertThat(plain.sampling()).isNull();
        assertThat(plain.toJson())
                .hasToString(
                        "{\"type\":\"generation\",\"name\":\"generation\"," + "\"prompt\":\"x\",\"maxTokens\":64}");
        assertThat(generation(", \"sampling\": {}").sampling()).isEqualTo(new TaskSpec.Sampling(1, 0, 1, 0, 1, 0));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"temperature\": 0.8, \"topK\": 50, \"topP\": 0.95, \"minP\": 0.05, \"repetitionPenalty\": 1.1, \"seed\": 7",
                "\"temperature\": 0, \"repetitionPenalty\": 1.3",
                "\"temperature\": 0.001"
            })
    void readsBackHowTokensAreDrawn(String members) {
        EvaluateSpec spec = evaluate(", \"sampling\": {" + members + "}");
        assertThat(parser.parseStored(spec.toJson())).isEqualTo(spec);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"temperature\": 0.0001",
                "\"temperature\": -1",
                "\"temperature\": 101",
                "\"temperature\": \"hot\"",
                "\"temperature\": 0, \"topK\": 5",
                "\"temperature\": 0, \"seed\": 5",
                "\"topK\": 1.5",
                "\"topP\": 0",
                "\"topP\": 1e-50",
                "\"minP\": 1.1",
                "\"repetitionPenalty\": 0",
                "\"seed\": -1",
                "\"typicalP\": 0.5"
            })
    void refusesHowTokensCannotBeDrawn(String members) {
        assertThatThrownBy(() -> evaluate(", \"sampling\": {" + members + "}")).isInstanceOf(ProblemException.class);
    }

    private TaskSpec.Generation generation(String members) {
        return (TaskSpec.Generation) evaluate(members).tasks().getFirst();
    }

    private EvaluateSpec evaluate(String members) {
        return (EvaluateSpec) parser.parse(JSON.readTree("{\"type\": \"evaluate\", \"source\": \"hub:a/model\","
                + " \"tasks\": [{\"type\": \"generation\", \"prompt\": \"x\"" + members + "}]}"));
    }

    private JobSpec parse(String members) {
        return parser.parse(JSON.readTree(
                "{\"type\": \"quantize\", \"source\": \"hub:a/model\", \"scheme\": \"FP8\", \"target\": \"a/out\", "
                        + members + "}"));
    }
}
