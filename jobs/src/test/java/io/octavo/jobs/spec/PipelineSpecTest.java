package io.octavo.jobs.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.jobs.problem.ProblemException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

/** What pipelines may say, and the code of each way to say it wrong. */
class PipelineSpecTest {

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String Q = "{'type':'quantize','source':'hub:a/m','scheme':'FP8_DYNAMIC','target':'a/q'}";
    private static final String E =
            "{'type':'evaluate','source':'step:q','tasks':[{'type':'perplexity','dataset':'hub:a/d'}]}";

    private final JobSpecReader reader = new JobSpecReader(new FixedCatalog(
            List.of(new SchemeInfo("FP8_DYNAMIC", ""), new SchemeInfo("W4A16_G128", "")),
            List.of("compressed-tensors")));

    private JobSpec parse(String spec) {
        return reader.read(JSON.readTree(spec.replace('\'', '"')));
    }

    private static String pipeline(String... steps) {
        return "{'type':'pipeline','steps':[" + String.join(",", steps) + "]}";
    }

    private static String step(String name, String needs, String job) {
        return "{'name':'" + name + "','needs':[" + needs + "],'job':" + job + "}";
    }

    private void refuses(String spec, String code, String detail) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> parse(spec))
                .satisfies(problem -> {
                    assertThat(problem.code().slug()).isEqualTo(code);
                    assertThat(problem.detail()).contains(detail);
                });
    }

    @Test
    void stepsTakePriorityAndLabelsOverUnlessTheySayOtherwise() {
        PipelineSpec spec = (PipelineSpec) parse("{'type':'pipeline','priority':3,'labels':{'team':'search','a':'1'},"
                + "'steps':[" + step("q", "", Q.replace("}", ",'labels':{'a':'2'}}")) + ","
                + step("e", "'q'", E.replace("]}", "],'priority':7}").replace("}],", "}],")) + "]}");
        Scheduling first = spec.steps().getFirst().job().scheduling();
        assertThat(first.priority()).isEqualTo(3);
        assertThat(first.labels()).isEqualTo(Map.of("team", "search", "a", "2"));
        assertThat(spec.steps().getLast().job().scheduling().priority()).isEqualTo(7);
        assertThat(reader.readStored(spec.toJson())).isEqualTo(spec);
    }

    @Test
    void anArtifactTakesThePlaceOfTheStepThatMakesIt() {
        PipelineSpec spec = (PipelineSpec) parse(
                pipeline(step("q", "", Q), step("e", "'q'", E.replace("'tasks'", "'baseline':'hub:a/m','tasks'"))));
        var resolved = PipelineSpec.resolve(spec.steps().getLast().job().toJson(), step -> "hub:a/" + step + "-made");
        assertThat(reader.read(resolved).sources()).hasToString("[hub:a/q-made, hub:a/m]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "q, q | '' | '' | pipeline-step-duplicate | steps[1].name is the name of an earlier step: q",
                "q, e | '' | 'x' | pipeline-step-unknown | steps[1].needs names no step of this pipeline: x",
                "q, e | '' | 'e' | pipeline-self-need | steps[1].needs names the step itself: e",
                "q, e | 'e' | 'q' | pipeline-cycle | q, e",
                "q, e | '' | 'q','q' | pipeline-step-duplicate | names a step twice",
            })
    void tellsWhatIsWrongWithTheGraph(String names, String first, String second, String code, String detail) {
        String[] name = names.split(", ", -1);
        String one = first.equals("''") ? "" : first;
        String two = second.equals("''") ? "" : second;
        refuses(pipeline(step(name[0], one, Q), step(name[1], two, Q)), code, detail);
    }

    @Test
    void tellsWhatIsWrongWithSourcesOfSteps() {
        refuses(
                pipeline(step("q", "", Q), step("e", "", E)),
                "pipeline-need-missing",
                "steps[1].needs must name step q, whose artifact the job reads as step:q");
        refuses(
                pipeline(step("q", "", Q), step("e", "'q'", E.replace("step:q", "step:x"))),
                "pipeline-step-unknown",
                "steps[1].job names no step of this pipeline: x; steps are q, e");
        refuses(
                pipeline(step("q", "", Q), step("e", "'q'", E), step("f", "'e'", E.replace("step:q", "step:e"))),
                "pipeline-step-without-artifact",
                "a step of type evaluate makes no artifact");
        refuses(E, "invalid-request", "must not be a step:");
        refuses(
                pipeline(step("q", "", Q), step("e", "'q'", E.replace("hub:a/d", "step:q"))),
                "invalid-request",
                "dataset must not be what a step makes");
    }

    @Test
    void tellsWhatElseIsWrong() {
        String many = IntStream.range(0, 33).mapToObj(i -> step("s" + i, "", Q)).collect(Collectors.joining(","));
        refuses(pipeline(many), "pipeline-too-large", "at most 32 steps: 33");
        refuses(pipeline(), "invalid-request", "steps must name at least one step");
        refuses(pipeline(step("a b", "", Q)), "invalid-request", "steps[0].name must be 1 to 64");
        refuses(pipeline(step("q", "", pipeline(step("r", "", Q)))), "invalid-request", "steps[0].job.type");
        refuses(pipeline("{'name':'q'}"), "invalid-request", "steps[0].job is required");
        refuses(
                pipeline(step("q", "", Q.replace("hub:a/m", "ftp://x"))),
                "invalid-request",
                "steps[0].job.source must start with");
        refuses(pipeline(step("q", "", Q.replace("FP8_DYNAMIC", "FP9"))), "scheme-unknown", "FP9");
        refuses("{'type':'pipeline','timeout':'PT1H','steps':[]}", "invalid-request", "");
    }

    @Test
    void aListOfSchemesBecomesAStepForEachAndItsEvaluation() {
        PipelineSpec spec = (PipelineSpec) parse("{'type':'quantize','source':'hub:a/m','schemes':['FP8_DYNAMIC',"
                + "'W4A16_G128'],'target':'a/m-{scheme}','labels':{'team':'search'},'evaluate':{'baseline':'hub:a/m',"
                + "'tasks':[{'type':'perplexity','dataset':'hub:a/d'}],"
                + "'gates':[{'metric':'perplexity.ratio','max':1.02}]}}");
        assertThat(spec.steps())
                .extracting(PipelineSpec.Step::name)
                .containsExactly("FP8_DYNAMIC", "W4A16_G128", "FP8_DYNAMIC-evaluate", "W4A16_G128-evaluate");
        QuantizeSpec second = (QuantizeSpec) spec.steps().get(1).job();
        assertThat(second.target()).hasToString("a/m-W4A16_G128");
        EvaluateSpec last = (EvaluateSpec) spec.steps().get(3).job();
        assertThat(last.source()).hasToString("step:W4A16_G128");
        assertThat(last.gates()).containsExactly(new GateSpec("perplexity.ratio", null, null, 1.02));
        assertThat(last.scheduling().labels()).isEqualTo(Map.of("team", "search"));
        assertThat(spec.steps().get(3).needs()).containsExactly("W4A16_G128");
        assertThat(reader.readStored(spec.toJson())).isEqualTo(spec);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'schemes':['FP8_DYNAMIC'],'target':'a/m' | target must hold {scheme}",
                "'schemes':[],'target':'a/m-{scheme}' | schemes must name at least one scheme",
                "'schemes':['FP8_DYNAMIC','FP8_DYNAMIC'],'target':'a/{scheme}' | schemes[1] is listed twice",
                "'schemes':'FP8_DYNAMIC','target':'a/{scheme}' | schemes must be an array",
                "'schemes':['FP8_DYNAMIC'],'scheme':'x','target':'a/{scheme}' | scheme is given",
                "'schemes':['FP8_DYNAMIC'],'target':'a/{scheme}','evaluate':{'tasks':[]} | tasks must name",
                "'schemes':['FP8_DYNAMIC'],'target':'a/{scheme}','evaluate':{'source':'hub:a/b'} | evaluate.source is",
            })
    void refusesAListOfSchemesThatCannotBe(String members, String detail) {
        refuses("{'type':'quantize','source':'hub:a/m'," + members + "}", "invalid-request", detail);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'metric':'bleu','max':1} | gates[0].metric must be one of",
                "{'metric':'perplexity'} | gates[0].max or min is required",
                "{'metric':'perplexity.ratio','max':1.02} | compares with a baseline",
                "{'metric':'accuracy','min':0.5} | is a score of no task",
                "{'metric':'perplexity','max':9,'task':'x'} | is a score of no task named x",
                "{'metric':'perplexity','max':'9'} | gates[0].max must be a number",
                "{'metric':'perplexity','min':3,'max':2} | gates[0].max is less than min: 2.0 < 3.0",
                "{'metric':'perplexity','max':0.99} | gates[0].max is less than perplexity can be: 0.99",
                "{'metric':'perplexity','max':9,'mean':1} | gates[0].mean is not known here",
            })
    void refusesGatesThatCannotBeJudged(String gate, String detail) {
        refuses(E.replace("step:q", "hub:a/m").replace("]}", "],'gates':[" + gate + "]}"), "invalid-request", detail);
    }

    private static final String ALL_SCORES = """
            {'type':'evaluate','source':'hub:a/m','baseline':'hub:a/b','tasks':[{'type':'perplexity','dataset':'hub:a/d'},
             {'type':'multiple-choice','dataset':'hub:a/d'},{'type':'divergence','dataset':'hub:a/d'}],'gates':[%s]}""";

    /** What each score can be: 1 is the least perplexity, a difference of accuracies lies from -1 to 1. */
    @ParameterizedTest
    @CsvSource({
        "perplexity, 1, 1e300",
        "perplexity.ratio, 4.9e-324, 1e300",
        "accuracy, 0, 1",
        "accuracy.difference, -1, 1",
        "divergence.mean, 0, 1e300",
        "divergence.agreement, 0, 1"
    })
    void aLimitMustBeOneThatAScoreCanKeep(String metric, double least, double greatest) {
        String gate = "{'metric':'" + metric + "','%s':%s}";
        for (String kept : List.of(
                gate.formatted("max", least),
                gate.formatted("min", greatest),
                "{'metric':'" + metric + "','min':" + least + ",'max':" + least + "}")) {
            assertThat(parse(ALL_SCORES.formatted(kept))).isInstanceOf(EvaluateSpec.class);
        }
        refuses(
                ALL_SCORES.formatted(gate.formatted("max", least - 0.001)),
                "invalid-request",
                "gates[0].max is less than " + metric + " can be");
        if (greatest == 1) {
            refuses(
                    ALL_SCORES.formatted(gate.formatted("min", 1.001)),
                    "invalid-request",
                    "gates[0].min is more than " + metric + " can be: 1.001");
        }
        refuses(
                ALL_SCORES.formatted(
                        "{'metric':'" + metric + "','min':" + (least + 0.002) + ",'max':" + (least + 0.001) + "}"),
                "invalid-request",
                "gates[0].max is less than min");
    }

    @ParameterizedTest
    @CsvSource({"perplexity, 0", "perplexity, -0.0", "perplexity.ratio, 0", "perplexity.ratio, -0.0"})
    void noPerplexityAndNoRatioOfTwoIsZero(String metric, String max) {
        refuses(
                ALL_SCORES.formatted("{'metric':'" + metric + "','max':" + max + "}"),
                "invalid-request",
                "gates[0].max is less than " + metric + " can be");
    }

    @Test
    void readsTheExamples() throws IOException {
        var anything = new JobSpecReader(FixedCatalog.ANYTHING);
        try (Stream<Path> files = Files.list(Path.of("../examples/jobs"))) {
            List<JobSpec> specs = files.map(file -> anything.read(JSON.readTree(file.toFile())))
                    .toList();
            assertThat(specs).extracting(JobSpec::type).contains("quantize", "evaluate", "pipeline");
        }
    }

    @Test
    void theRecipeIsAllThatDecidesTheBytesAndNothingElse() {
        String job = "{'type':'quantize','source':'hub:a/m','scheme':'FP8_DYNAMIC','target':'a/q',"
                + "'calibration':{'dataset':'hub:a/d','samples':8},'ignore':['b','a']%s}";
        String recipe = recipe(job.formatted(""));
        assertThat(recipe(
                        job.formatted(",'priority':5,'labels':{'a':'b'},'timeout':'PT1H','reuse':false,'device':'cpu'")
                                .replace("a/q", "a/r")
                                .replace("hub:a/m", "hub:a/n")
                                .replace("hub:a/d", "hub:a/e")
                                .replace("['b','a']", "['a','b']")))
                .isEqualTo(recipe);
        for (String other : List.of(
                job.formatted("").replace("FP8_DYNAMIC", "W4A16_G128"),
                job.formatted("").replace("'b',", ""),
                job.formatted("").replace("8}", "9}"),
                job.formatted(",'kvCache':{'type':'fp8'}"),
                job.formatted(",'overrides':[{'scheme':'W4A16_G128','targets':['x']}]"))) {
            assertThat(recipe(other)).isNotEqualTo(recipe);
        }
    }

    private String recipe(String job) {
        return ((QuantizeSpec) parse(job)).recipeJson().toString();
    }
}
