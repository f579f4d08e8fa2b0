package io.octavo.jobs.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import io.octavo.engine.modify.Gptq;
import io.octavo.engine.modify.SmoothQuant;
import io.octavo.engine.request.Budget;
import io.octavo.engine.request.CalibrationShape;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.KvCacheQuantization;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.jobs.problem.FieldError;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class JobSpecReaderTest {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final JobSpecReader reader = new JobSpecReader(new Catalog());

    private static final class Catalog implements SchemeCatalog {
        @Override
        public List<SchemeInfo> schemes() {
            return List.of(new SchemeInfo("FP8", "eight bits"), new SchemeInfo("W4A16", "four bits"));
        }

        @Override
        public List<String> layouts() {
            return List.of(QuantizeSpec.DEFAULT_LAYOUT);
        }
    }

    @Test
    void readsEverythingThatAQuantizeJobMaySay() {
        QuantizeSpec spec = (QuantizeSpec) parse("""
                "overrides": [{"scheme": "W4A16", "targets": ["re:.*mlp.*"]}],
                "kvCache": {"type": "fp8", "granularity": "head"},
                "modifiers": [{"type": "smoothquant", "alpha": 0.8}],
                "calibration": {"dataset": "hub:a/texts#train.jsonl", "samples": 128, "sequenceLength": 512, "seed": 7}
                """);
        assertThat(spec.overrides()).containsExactly(new QuantizeSpec.SchemeOverride("W4A16", List.of("re:.*mlp.*")));
        assertThat(spec.kvCache()).contains(new QuantizeSpec.KvCache("fp8", "head"));
        assertThat(spec.modifiers()).containsExactly(new ModifierSpec.Smoothing(0.8));
        assertThat(spec.recipeJson().toString()).contains("\"modifiers\":[{\"type\":\"smoothquant\",\"alpha\":0.8}]");
        QuantizeSpec.Calibration calibration = spec.calibration().orElseThrow();
        assertThat(calibration.dataset()).hasToString("hub:a/texts#train.jsonl");
        assertThat(calibration.samples()).isEqualTo(128);
        assertThat(calibration.sequenceLength()).isEqualTo(512);
        assertThat(calibration.seed()).isEqualTo(7);
        assertThat(reader.readStored(spec.toJson())).isEqualTo(spec);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'modifiers': ['gptq']| modifiers[0] must be an object whose type is one of smoothquant, awq, equalization, gptq",
                "'modifiers': [['gptq']]| modifiers[0] must be an object",
                "'modifiers': [['gptq', {}]]| modifiers[0] must be an object",
                "'modifiers': [{}]| modifiers[0].type must be one of smoothquant, awq, equalization, gptq",
                "'modifiers': [{'type': 'gpt'}]| modifiers[0].type must be one of smoothquant, awq, equalization, gptq",
                "'modifiers': 'gptq'| modifiers must be an array",
                "'labels': {'a': 'b'}, 'timeout': 'x'| timeout must be an ISO 8601 duration",
                "'timeout': 'x', 'labels': {'timeout': 'b'}| timeout must be an ISO 8601 duration",
                "'labels': {'a': null}| labels.a is required",
                "'requirements': {'labels': {'a': null}}| requirements.labels.a is required",
                "'phaseTimeout': 5, 'priority': 0| phaseTimeout must be a string",
                "'calibration': {'dataset': 'x'}| calibration.dataset must start with hub:",
                "'calibration': {'dataset': 'file:x'}| calibration.dataset must name an absolute path",
                "'calibration': {'dataset': 'step:x'}| calibration.dataset must not be what a step makes",
                "'calibration': {'dataset': 'hub:a/b#..'}| calibration.dataset has a '..' segment",
                "'calibration': {'dataset': 'hub:a'}| calibration.dataset must be namespace/name"
            })
    void tellsWhatAMemberMayBe(String member, String message) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> parse(member.replace('\'', '"')))
                .satisfies(problem -> assertThat(problem.detail()).startsWith(message));
    }

    /** Wherever a type chooses what is read. */
    @Test
    void takesWhatHasATypeAsAnObjectAlone() {
        String job = "{'type':'evaluate','source':'hub:a/b','tasks':[['generation',{'prompt':'a'}]]}";
        String step = "{'type':'pipeline','steps':[{'name':'a','job':['convert',{'source':'hub:a/b','target':'a/c',"
                + "'layout':'compressed-tensors'}]}]}";
        String load =
                "{'type':'benchmark','source':'hub:a/b','baseline':'hub:a/b','inputTokens':['fixed',{'tokens':1}],"
                        + "'outputTokens':{'type':'fixed','tokens':1}}";
        Map.of(job, "tasks[0]", step, "steps[0].job", load, "inputTokens")
                .forEach((text, place) -> assertThatExceptionOfType(ProblemException.class)
                        .isThrownBy(() -> reader.read(JSON.readTree(text.replace('\'', '"'))))
                        .satisfies(problem -> assertThat(problem.detail())
                                .startsWith(place + " must be an object whose type is one of ")));
    }

    /** Of so many wrong places a client can use a few; that each was looked for among all others took minutes. */
    @Timeout(10)
    @ParameterizedTest
    @ValueSource(strings = {"\"modifiers\": [%s]", "\"ignore\": [%s]", "\"overrides\": [%s]"})
    void tellsTheFirstOfVeryManyFaultsAtOnce(String member) {
        int count = 30_000;
        String wrong = member.formatted(String.join(",", Collections.nCopies(count, "7")));
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> parse(wrong))
                .satisfies(problem -> {
                    assertThat((List<?>) problem.members().get("errors")).hasSize(64);
                    assertThat(problem.detail()).endsWith("(and " + (count - 1) + " more)");
                });
    }

    @Test
    void asksTheEngineForWhatTheRequestSays() {
        Recipe recipe = ((QuantizeSpec) parse("""
                "layout": "compressed-tensors", "ignore": ["a"],
                "overrides": [{"scheme": "W4A16", "targets": ["re:.*mlp.*"]}],
                "kvCache": {"type": "fp8", "granularity": "head"},
                "modifiers": [{"alpha": 0.8, "type": "smoothquant"}],
                "calibration": {"dataset": "hub:a/texts", "samples": 128, "sequenceLength": 512, "seed": 7}
                """)).recipe();
        assertThat(recipe)
                .isEqualTo(new Recipe(
                        "FP8",
                        "compressed-tensors",
                        List.of("a"),
                        List.of(new SchemeOverride("W4A16", List.of("re:.*mlp.*"))),
                        Optional.of(KvCacheQuantization.FP8_PER_HEAD),
                        List.of(new SmoothQuant(0.8)),
                        Optional.of(new CalibrationShape(128, 512, 7)),
                        Optional.empty()));
    }

    @Test
    void givesModulesWhatABudgetAffords() {
        QuantizeSpec usual = (QuantizeSpec) parse("\"budget\": {\"bits\": 9}");
        assertThat(usual.recipe().budget()).contains(new Budget(new Budget.Bits(9), List.of("16")));
        QuantizeSpec other = (QuantizeSpec) parse("\"budget\": {\"bits\": 4.5, \"candidates\": [\"W4A16\", \"16\"]}");
        assertThat(other.recipe().budget()).contains(new Budget(new Budget.Bits(4.5), List.of("W4A16", "16")));
        assertThat(other.recipeJson().toString()).contains("\"budget\":{\"bits\":4.5");
        assertThat(reader.readStored(other.toJson())).isEqualTo(other);
        assertThatThrownBy(() -> parse("\"budget\": {\"bits\": 4.5, \"candidates\": [\"W3\"]}"))
                .hasMessageContaining("W3");
        QuantizeSpec ratio = (QuantizeSpec) parse("\"budget\": {\"perplexityRatio\": 1.01}");
        assertThat(ratio.recipe().budget()).contains(new Budget(new Budget.PerplexityRatio(1.01), List.of("16")));
        assertThat(ratio.recipeJson().toString()).contains("\"budget\":{\"perplexityRatio\":1.01,\"candidates\":[]}");
        assertThatThrownBy(() -> parse("\"budget\": {\"bits\": 40}")).hasMessageContaining("budget.bits");
        assertThatThrownBy(() -> parse("\"budget\": {\"perplexityRatio\": 0.9}"))
                .hasMessageContaining("budget.perplexityRatio");
        for (String neitherOrBoth : List.of("{}", "{\"bits\": 9, \"perplexityRatio\": 1.01}")) {
            assertThatThrownBy(() -> parse("\"budget\": " + neitherOrBoth))
                    .hasMessageContaining("must hold either bits or perplexityRatio");
        }
    }

    @Test
    void spellsModifiersAsTheEngineCallsThem() {
        QuantizeSpec spec = (QuantizeSpec) parse("\"modifiers\": [{\"type\": \"smoothquant\"}]");
        assertThat(spec.recipe().modifiers()).containsExactly(new SmoothQuant());
        for (JsonSubTypes.Type type :
                ModifierSpec.class.getAnnotation(JsonSubTypes.class).value()) {
            QuantizeSpec one = (QuantizeSpec) parse("\"modifiers\": [{\"type\": \"" + type.name() + "\"}]");
            assertThat(one.recipe().modifiers().getFirst().name()).isEqualTo(type.name());
        }
    }

    @Test
    void solvesWithTheEnginesSettingsWhereNoneAreGiven() {
        QuantizeSpec usual = (QuantizeSpec) parse("\"modifiers\": [{\"type\": \"gptq\"}]");
        assertThat(usual.recipe().modifiers()).containsExactly(new Gptq());
        QuantizeSpec other = (QuantizeSpec)
                parse(
                        "\"modifiers\": [{\"type\": \"gptq\", \"dampening\": 0.05,"
                                + " \"actOrder\": false, \"searchScales\": true, \"refine\": false, \"propagateError\": false, \"matchOriginals\": false}]");
        assertThat(other.recipe().modifiers()).containsExactly(new Gptq(0.05, false, true, false, false, false));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "[{\"type\": \"gptq\", \"dampening\": 0}]; modifiers[0].dampening; must be at least 0.0001",
                "[{\"type\": \"smooth\"}]; modifiers[0].type; must be one of smoothquant, awq, equalization, gptq",
                "[{\"alpha\": 0.5}]; modifiers[0].type; must be one of smoothquant, awq, equalization, gptq",
                "[\"smoothquant\"]; modifiers[0]; must be an object whose type is one of smoothquant, awq, equalization, gptq",
                "[null]; modifiers[0]; is required",
                "{\"type\": \"smoothquant\"}; modifiers; must be an array",
                "[{\"type\": \"smoothquant\", \"alpha\": 1.5}]; modifiers[0].alpha; must be at most 1",
                "[{\"type\": \"smoothquant\", \"alpha\": \"0.5\"}]; modifiers[0].alpha; must be a number",
                "[{\"type\": \"smoothquant\", \"beta\": 1}]; modifiers[0].beta; is not known here",
                "[{\"type\": \"smoothquant\"}, {\"type\": \"smoothquant\"}]; modifiers; must not hold two of a type"
            })
    void refusesModifiersThatItDoesNotKnow(String modifiers, String field, String message) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> parse("\"modifiers\": " + modifiers))
                .satisfies(refusal ->
                        assertThat(refusal.members().get("errors")).isEqualTo(List.of(new FieldError(field, message))));
    }

    @Test
    void needsNoneOfIt() {
        QuantizeSpec spec = (QuantizeSpec) parse("\"priority\": 1");
        assertThat(spec.overrides()).isEmpty();
        assertThat(spec.kvCache()).isEmpty();
        assertThat(spec.calibration()).isEmpty();
        assertThat(reader.readStored(spec.toJson())).isEqualTo(spec);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"overrides\": [{\"scheme\": \"W4A16\", \"targets\": []}]",
                "\"overrides\": [{\"scheme\": \"W3A16\", \"targets\": [\"a\"]}]",
                "\"overrides\": {\"scheme\": \"W4A16\"}",
                "\"kvCache\": {\"type\": \"int4\"}",
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
        assertThat(evaluate("").toJson().at("/tasks/0"))
                .hasToString(
                        "{\"type\":\"generation\",\"name\":\"generation\"," + "\"prompt\":\"x\",\"maxTokens\":64}");
        assertThat(generation(", \"sampling\": {}").sampling())
                .isEqualTo(new TaskSpec.Sampling(1.0, 0, 1.0, 0, 1.0, 0));
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
        assertThat(reader.readStored(spec.toJson())).isEqualTo(spec);
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

    @Test
    void tellsTheEngineHowTextsAreCutAndItemsAreRead() {
        assertThat(perplexity("").windowing()).isEqualTo(new EvaluationTask.Windowing.Disjoint(512));
        assertThat(perplexity(", \"windows\": \"rolling\", \"windowTokens\": 100")
                        .windowing())
                .isEqualTo(new EvaluationTask.Windowing.Rolling(100));
        assertThat(perplexity(", \"windows\": \"sliding\", \"windowTokens\": 101")
                        .windowing())
                .isEqualTo(new EvaluationTask.Windowing.Sliding(101, 51));
        assertThat(perplexity(", \"windows\": \"sliding\", \"stride\": 7").windowing())
                .isEqualTo(new EvaluationTask.Windowing.Sliding(512, 7));
        assertThat(choices("").choiceFormat()).isEqualTo(new EvaluationTask.ChoiceFormat.Jsonl());
        assertThat(choices(", \"format\": \"mmlu-csv\"").choiceFormat())
                .isEqualTo(new EvaluationTask.ChoiceFormat.MmluCsv(5));
        assertThat(choices(", \"format\": \"mmlu-csv\", \"fewShot\": 0").choiceFormat())
                .isEqualTo(new EvaluationTask.ChoiceFormat.MmluCsv(0));
        assertThat(choices(", \"format\": \"mmlu-csv\"").data().orElseThrow().folder())
                .isTrue();
        assertThat(choices("").data().orElseThrow().folder()).isFalse();
    }

    @Test
    void leavesDisjointWindowsOutOfWhatItStores() {
        EvaluateSpec spec = task("perplexity", ", \"windows\": \"disjoint\"");
        assertThat(spec.toJson().at("/tasks/0"))
                .hasToString(
                        "{\"type\":\"perplexity\",\"name\":\"perplexity\",\"dataset\":\"hub:a/d\",\"windowTokens\":512}");
        EvaluateSpec sliding = task("perplexity", ", \"windows\": \"sliding\"");
        assertThat(reader.readStored(sliding.toJson())).isEqualTo(sliding);
        EvaluateSpec mmlu = task("multiple-choice", ", \"format\": \"mmlu-csv\"");
        assertThat(reader.readStored(mmlu.toJson())).isEqualTo(mmlu);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "perplexity | , \"windows\": \"round\"",
                "perplexity | , \"stride\": 5",
                "perplexity | , \"windows\": \"rolling\", \"stride\": 5",
                "perplexity | , \"windows\": \"sliding\", \"stride\": 513",
                "perplexity | , \"windows\": \"sliding\", \"stride\": 0",
                "multiple-choice | , \"fewShot\": 5",
                "multiple-choice | , \"format\": \"mmlu-csv\", \"fewShot\": -1",
                "multiple-choice | , \"format\": \"csv\""
            })
    void refusesTasksThatContradictThemselves(String type, String members) {
        assertThatThrownBy(() -> task(type, members)).isInstanceOf(ProblemException.class);
    }

    @Test
    void readsABenchmarkWithItsDefaults() {
        BenchmarkSpec spec = benchmark("");
        assertThat(spec.toJson())
                .hasToString("{\"type\":\"benchmark\",\"source\":\"hub:a/q\",\"baseline\":\"hub:a/m\","
                        + "\"requests\":200,\"warmUpRequests\":8,\"inputTokens\":{\"type\":\"fixed\",\"tokens\":640},"
                        + "\"outputTokens\":{\"type\":\"uniform\",\"min\":50,\"max\":100},\"concurrency\":32,"
                        + "\"kvCache\":\"auto\",\"seed\":0,\"device\":\"auto\",\"priority\":0}");
        assertThat(reader.readStored(spec.toJson())).isEqualTo(spec);
        BenchmarkSpec rate = benchmark(", \"requestsPerSecond\": 2.5");
        assertThat(rate.concurrency()).isNull();
        assertThat(reader.readStored(rate.toJson())).isEqualTo(rate);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"concurrency\": 4, \"requestsPerSecond\": 1",
                "\"concurrency\": 0",
                "\"requestsPerSecond\": 0",
                "\"requests\": 0",
                "\"warmUpRequests\": -1",
                "\"inputTokens\": {\"type\": \"uniform\", \"min\": 5, \"max\": 4}",
                "\"inputTokens\": {\"type\": \"lognormal\", \"median\": 5, \"sigma\": -1, \"max\": 9}",
                "\"inputTokens\": {\"type\": \"lognormal\", \"median\": 5, \"sigma\": 1, \"max\": 4}",
                "\"inputTokens\": {\"type\": \"fixed\"}",
                "\"inputTokens\": {\"type\": \"zipf\"}",
                "\"inputTokens\": 640",
                "\"kvCache\": \"f64\"",
                "\"seed\": -1"
            })
    void refusesLoadsThatCannotBe(String members) {
        assertThatThrownBy(() -> benchmark(", " + members)).isInstanceOf(ProblemException.class);
    }

    private TaskSpec.Perplexity perplexity(String members) {
        return (TaskSpec.Perplexity) task("perplexity", members).tasks().getFirst();
    }

    private TaskSpec.MultipleChoice choices(String members) {
        return (TaskSpec.MultipleChoice)
                task("multiple-choice", members).tasks().getFirst();
    }

    private EvaluateSpec task(String type, String members) {
        return (EvaluateSpec) reader.read(JSON.readTree("{\"type\": \"evaluate\", \"source\": \"hub:a/m\","
                + " \"tasks\": [{\"type\": \"" + type + "\", \"dataset\": \"hub:a/d\"" + members + "}]}"));
    }

    /** Members that are given again take the place of the first. */
    private BenchmarkSpec benchmark(String members) {
        ObjectNode body = (ObjectNode) JSON.readTree("{\"type\": \"benchmark\", \"source\": \"hub:a/q\","
                + " \"baseline\": \"hub:a/m\", \"inputTokens\": {\"type\": \"fixed\", \"tokens\": 640},"
                + " \"outputTokens\": {\"type\": \"uniform\", \"min\": 50, \"max\": 100}}");
        body.setAll((ObjectNode) JSON.readTree("{" + members.replaceFirst(", ", "") + "}"));
        return (BenchmarkSpec) reader.read(body);
    }

    /** Idempotency keys, artifacts to reuse and workers of the release before all depend on the text. */
    @Test
    void writesSpecsAsTheReleaseBeforeWroteThem() throws IOException {
        var anything = new JobSpecReader(FixedCatalog.ANYTHING);
        try (var golden = JobSpecReaderTest.class.getResourceAsStream("specs-of-the-release-before.jsonl")) {
            for (JsonNode each :
                    JSON.readerFor(JsonNode.class).<JsonNode>readValues(golden).readAll()) {
                JobSpec spec = anything.read(each.get("request"));
                assertThat(spec.toJson()).hasToString(each.get("stored").toString());
                assertThat(anything.readStored(each.get("stored"))).isEqualTo(spec);
                if (spec instanceof QuantizeSpec quantize) {
                    assertThat(quantize.recipeJson())
                            .hasToString(each.get("recipe").toString());
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'x': 1 | x is not known here",
                "'scheme': 5 | scheme must be a string",
                "'ignore': 'a' | ignore must be an array",
                "'ignore': ['a', null] | ignore[1] is required",
                "'ignore': ['a', ' '] | ignore[1] must not be blank",
                "'ignore': ['\\u0000'] | ignore[0] must not hold U+0000",
                "'ignore': [{'a': [1]}], 'priority': 2000 | ignore[0] must be a string (and 1 more)",
                "'priority': 2000 | priority must be at most 1000",
                "'priority': 1.0 | priority must be a whole number of 32 bits",
                "'priority': 99999999999999999999 | priority must be a whole number of 32 bits",
                "'priority': '1' | priority must be a whole number of 32 bits",
                "'reuse': 'true' | reuse must be true or false",
                "'kvCache': 'fp8' | kvCache must be an object",
                "'kvCache': [] | kvCache must be an object",
                "'kvCache': {'type': 'int4'} | kvCache.type must be one of fp8, int8",
                "'calibration': {'samples': 0} | calibration.dataset is required (and 1 more)",
                "'calibration': {'dataset': 'hub:a/b', 'observer': 'mse'} | calibration.observer is not known here",
                "'overrides': [{'scheme': 'FP8', 'targets': []}] | overrides[0].targets must name at least one module",
                "'overrides': [{'scheme': 'FP8', 'targets': ['a'], 'b': 1}] | overrides[0].b is not known here",
                "'labels': {'a:b': 'c'} | labels must have names without ':'",
                "'labels': {'a': 1} | labels.a must be a string",
                "'labels': {'\\u0000': 'x'} | labels must not hold U+0000",
                "'labels': [] | labels must be an object",
                "'timeout': 'PT0S' | timeout must be an ISO 8601 duration from PT1S to PT720H: PT0S",
                "'timeout': 60 | timeout must be a string",
                "'requirements': {'deviceKind': 'tpu'} | requirements.deviceKind must be one of cuda",
                "'requirements': {'computeCapability': '9'} | requirements.computeCapability must be a compute capability",
                "'requirements': {'deviceMemoryBytes': -1} | requirements.deviceMemoryBytes must be at least 0",
                "'requirements': {'vram': 1} | requirements.vram is not known here",
                "'device': 'tpu' | device must be one of auto, cpu, cuda"
            })
    void tellsWhichMemberIsWrongAndWhat(String members, String detail) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> parse(members.replace('\'', '"')))
                .satisfies(problem -> {
                    assertThat(problem.code()).isEqualTo(ProblemCode.INVALID_REQUEST);
                    assertThat(problem.detail()).contains(detail);
                });
    }

    @Test
    void namesThePlaceInsideOfAPipelineWhereverTheTypeStands() {
        String quantize =
                "{'source':'hub:a/m','scheme':'FP8','target':'a/q','priority':'x','ignore':[1],'type':'quantize'}";
        String evaluate = "{'source':'step:q','tasks':[{'sampling':{'topK':-1},'prompt':'x','type':'generation'}],"
                + "'labels':{'a':1},'type':'evaluate'}";
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> reader.read(JSON.readTree(("{'steps':[{'name':'q','job':" + quantize
                                + "},{'name':'e','needs':['q'],'job':" + evaluate + "}],'type':'pipeline'}")
                        .replace('\'', '"'))))
                .satisfies(problem -> assertThat(problem.members().get("errors"))
                        .extracting(error -> ((FieldError) error).field())
                        .containsExactlyInAnyOrder(
                                "steps[0].job.priority",
                                "steps[0].job.ignore[0]",
                                "steps[1].job.labels.a",
                                "steps[1].job.tasks[0].sampling.topK"));
    }

    private TaskSpec.Generation generation(String members) {
        return (TaskSpec.Generation) evaluate(members).tasks().getFirst();
    }

    private EvaluateSpec evaluate(String members) {
        return (EvaluateSpec) reader.read(JSON.readTree("{\"type\": \"evaluate\", \"source\": \"hub:a/model\","
                + " \"tasks\": [{\"type\": \"generation\", \"prompt\": \"x\"" + members + "}]}"));
    }

    private JobSpec parse(String members) {
        return reader.read(JSON.readTree(
                "{\"type\": \"quantize\", \"source\": \"hub:a/model\", \"scheme\": \"FP8\", \"target\": \"a/out\", "
                        + members + "}"));
    }
}
