package io.octavo.engine.serve;

import static io.octavo.engine.serve.ServingFixture.NEVER;
import static io.octavo.engine.serve.ServingFixture.greedy;
import static io.octavo.engine.serve.ServingFixture.options;
import static io.octavo.engine.serve.ServingFixture.prompt;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.JobMonitor;
import io.octavo.kernels.Backends;
import io.octavo.kernels.device.DeviceFaultException;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What steps hold, and what becomes of requests when something goes wrong. */
@Timeout(120)
class SchedulerTest {

    @SuppressWarnings("NullAway.Init") // of the model that a test serves first
    private GatedRunner gate;

    private ServedModel serve(ServingOptions options) {
        return ServedModels.open(Backends.cpu(2), TestModels.books5m(), options, JobMonitor.none(), runner -> {
            gate = new GatedRunner(runner);
            return gate;
        });
    }

    private static CompletionRequest ofClient(String client, int prompt, int maxTokens) {
        return new CompletionRequest(client, prompt(prompt, prompt), maxTokens, SamplingParameters.greedy(), NEVER);
    }

    /** Tokens of each text in each step. */
    private List<List<Integer>> recordSteps() {
        List<List<Integer>> steps = new CopyOnWriteArrayList<>();
        gate.before(chunks ->
                steps.add(chunks.stream().map(StepRunner.Chunk::tokens).toList()));
        return steps;
    }

    @Test
    void promptsFillWhatTextsThatGoOnLeave() {
        try (ServedModel model = serve(options(4, 50, null))) {
            List<List<Integer>> steps = recordSteps();
            Completion first = model.submit(greedy(prompt(1, 20), 6));
            gate.step();
            Completion second = model.submit(greedy(prompt(2, 120), 2));
            gate.open();
            Answer.of(first);
            Answer.of(second);
            assertThat(steps.getFirst()).containsExactly(20);
            assertThat(steps.stream().filter(step -> step.size() == 2))
                    .startsWith(List.of(1, 49), List.of(1, 49), List.of(1, 22), List.of(1, 1));
        }
    }

    @Test
    void aFailedStepFailsItsTextsAlone() {
        try (ServedModel model = serve(options(1, null, null))) {
            Completion failing = model.submit(greedy(prompt(1, 90), 9));
            gate.step();
            Completion waiting = model.submit(greedy(prompt(2, 90), 9));
            gate.before(chunks -> {
                gate.before(others -> {});
                throw new IllegalStateException("broken on purpose");
            });
            gate.open();
            Answer failed = Answer.of(failing);
            assertThat(failed.failure().code()).isEqualTo(ErrorCode.SERVING_FAILED);
            assertThat(failed.failure().message()).contains("broken on purpose");
            assertThat(failed.failure().usage()).isEqualTo(new Usage(90, 0, 1));
            assertThat(Answer.of(waiting).ids()).hasSize(9);
            assertAllFree(model);
            assertThat(model.health().failures()).isEqualTo(1);
        }
    }

    /** What was cancelled is forgotten in the next step. */
    private static void assertAllFree(ServedModel model) {
        Answer.of(model.submit(greedy(prompt(9, 5), 1)));
        ServingHealth health = model.health();
        assertThat(health.freePages()).isEqualTo(health.pages());
        assertThat(health.waiting()).isZero();
    }

    @Test
    void whatGoesWrongWithAResultFailsItsTextAlone() {
        var wrong = new AtomicBoolean(true);
        UnaryOperator<StepRunner> around = runner -> chunks -> wrong.getAndSet(false) ? List.of() : runner.run(chunks);
        try (ServedModel model = ServedModels.open(
                Backends.cpu(2), TestModels.books5m(), options(1, null, null), JobMonitor.none(), around)) {
            Completion failing = model.submit(greedy(prompt(1, 9), 3));
            Completion waiting = model.submit(greedy(prompt(2, 9), 3));
            assertThat(Answer.of(failing).failure().code()).isEqualTo(ErrorCode.SERVING_FAILED);
            assertThat(Answer.of(waiting).ids()).hasSize(3);
            assertAllFree(model);
        }
    }

    @Test
    void aLostDeviceEndsEverything() {
        try (ServedModel model = serve(options(1, null, null))) {
            Completion running = model.submit(greedy(prompt(1, 90), 9));
            Completion waiting = model.submit(greedy(prompt(2, 90), 9));
            gate.before(chunks -> {
                throw new DeviceFaultException("lost on purpose");
            });
            gate.open();
            assertThat(Answer.of(running).failure().code()).isEqualTo(ErrorCode.DEVICE_FAULT);
            assertThat(Answer.of(waiting).failure().code()).isEqualTo(ErrorCode.DEVICE_FAULT);
            assertRefused(model, ErrorCode.DEVICE_FAULT);
            assertThat(model.health().alive()).isFalse();
        }
    }

    private static void assertRefused(ServedModel model, ErrorCode code) {
        assertThatThrownBy(() -> model.submit(greedy(prompt(1, 3), 1)))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void cancelledTextsGiveTheirPagesBackAtTheNextStep() {
        try (ServedModel model = serve(options(2, null, 16))) {
            Completion cancelled = model.submit(greedy(prompt(1, 300), 200));
            Completion other = model.submit(greedy(prompt(2, 30), 20));
            gate.step();
            gate.step();
            cancelled.cancel();
            List<List<Integer>> steps = recordSteps();
            gate.open();
            Answer answer = Answer.of(other);
            assertThat(answer.ids()).hasSize(20);
            // The step that was planned before may still hold it.
            assertThat(steps.subList(1, steps.size())).allMatch(step -> step.size() == 1);
            assertThat(Answer.next(cancelled)).isInstanceOf(CompletionEvent.End.class);
            assertAllFree(model);
        }
    }

    @Test
    void waitingTextsCanBeCancelled() {
        try (ServedModel model = serve(options(1, null, null))) {
            Completion running = model.submit(greedy(prompt(1, 10), 5));
            gate.step();
            Completion waiting = model.submit(greedy(prompt(2, 10), 5));
            assertThat(model.health().waiting()).isEqualTo(1);
            waiting.cancel();
            gate.open();
            assertThat(Answer.of(running).ids()).hasSize(5);
            assertThat(Answer.of(waiting).choices).isEmpty();
            assertAllFree(model);
        }
    }

    @Test
    void textsThatNobodyReadsStandStillAndGoOnLater() {
        int most = Completion.MOST_UNREAD;
        try (ServedModel model = serve(options(2, null, 10))) {
            gate.open();
            Completion unread = model.submit(greedy(prompt(1, 10), 400));
            // As long as it takes: that one is done only when the other has made more steps than it can have read.
            Answer other = Answer.of(model.submit(greedy(prompt(2, 10), 400)));
            assertThat(other.ids()).hasSize(400);
            assertThat(model.health().completionTokens()).isLessThanOrEqualTo(400 + most + 1);
            // Needs the pages of the one that stands still.
            assertThat(Answer.of(model.submit(greedy(prompt(3, 500), 5))).ids()).hasSize(5);
            assertThat(model.health().preemptions()).isPositive();
            assertThat(Answer.of(unread).ids())
                    .hasSize(400)
                    .isEqualTo(
                            Answer.of(model.submit(greedy(prompt(1, 10), 400))).ids());
        }
    }

    @Test
    void textsThatNobodyReadsTakeNobodysPlace() {
        try (ServedModel model = serve(options(1, null, null))) {
            gate.open();
            Completion unread = model.submit(greedy(prompt(1, 10), 400));
            assertThat(Answer.of(model.submit(greedy(prompt(2, 10), 20))).ids()).hasSize(20);
            assertThat(Answer.of(unread).ids()).hasSize(400);
        }
    }

    @Test
    void refusesMoreThanMayWait() {
        var options = new ServingOptions(512, 1, null, null, null, true, 3, 2, null);
        try (ServedModel model = serve(options)) {
            List<Completion> completions = new ArrayList<>();
            completions.add(model.submit(ofClient("one", 10, 2)));
            gate.step();
            completions.add(model.submit(ofClient("one", 11, 2)));
            completions.add(model.submit(ofClient("one", 12, 2)));
            assertFull(model, "one");
            completions.add(model.submit(ofClient("two", 13, 2)));
            assertFull(model, "two");
            gate.open();
            completions.forEach(
                    completion -> assertThat(Answer.of(completion).ids()).hasSize(2));
            assertThat(Answer.of(model.submit(ofClient("two", 13, 2))).ids()).hasSize(2);
        }
    }

    private static void assertFull(ServedModel model, String client) {
        assertThatThrownBy(() -> model.submit(ofClient(client, 9, 1)))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.QUEUE_FULL));
    }

    @Test
    void aClientWithOneRequestDoesNotWaitForOneWithMany() {
        try (ServedModel model = serve(options(1, 512, null))) {
            List<Completion> many = IntStream.range(0, 20)
                    .mapToObj(i -> model.submit(ofClient("many", 200 + i, 4)))
                    .toList();
            gate.step();
            Completion one = model.submit(ofClient("one", 150, 4));
            gate.open();
            Answer.of(one);
            long over = many.stream().filter(SchedulerTest::isOver).count();
            assertThat(over).isLessThan(6);
            many.forEach(Answer::of);
        }
    }

    private static boolean isOver(Completion completion) {
        return completion.usage().completionTokens() == 4;
    }

    @Test
    void theYoungestTextGivesWay() {
        try (ServedModel model = serve(options(4, 200, 5))) {
            gate.open();
            List<Completion> texts = IntStream.range(0, 3)
                    .mapToObj(i -> model.submit(greedy(prompt(i, 60), 100)))
                    .toList();
            List<Answer> answers = texts.stream().map(Answer::of).toList();
            assertThat(answers).allSatisfy(answer -> assertThat(answer.ids()).hasSize(100));
            assertThat(model.health().preemptions()).isPositive();
            assertThat(Answer.of(model.submit(greedy(prompt(2, 60), 100))).ids())
                    .isEqualTo(answers.get(2).ids());
        }
    }

    /** A token's embedding is NaN: it fails those texts that hold it, and nobody who takes their pages afterwards. */
    @Test
    void nanIsTheErrorOfItsText(@TempDir Path folder) throws IOException {
        int token = 4000;
        writeWithNanEmbedding(folder, token);
        // Longer than a step: its first pages are known before its logits are.
        List<Integer> broken = new ArrayList<>(prompt(1, 400));
        broken.set(30, token);
        List<Integer> next = new ArrayList<>(broken);
        next.add(7);
        try (ServedModel model = ServedModels.open(Backends.cpu(2), folder, options(2, null, 8), JobMonitor.none())) {
            List<Integer> alone =
                    Answer.of(model.submit(greedy(prompt(2, 90), 30))).ids();
            Completion failing = model.submit(greedy(broken, 5));
            Completion other = model.submit(greedy(prompt(2, 90), 30));
            Answer failed = Answer.of(failing);
            assertThat(failed.failure().code()).isEqualTo(ErrorCode.TENSOR_NOT_FINITE);
            assertThat(Answer.of(other).ids()).isEqualTo(alone);
            Answer again = Answer.of(model.submit(greedy(next, 5)));
            assertThat(again.failure().usage().cachedTokens()).isZero();
            assertThat(Answer.of(model.submit(greedy(prompt(3, 480), 9))).ids()).hasSize(9);
            assertAllFree(model);
        }
    }

    private static void writeWithNanEmbedding(Path folder, int token) throws IOException {
        String embedding = "model.embed_tokens.weight";
        CheckpointFixture copy = CheckpointFixture.copyOf(TestModels.books5m());
        byte[] head;
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m())) {
            head = checkpoint.tensor(embedding).segment().toArray(ValueLayout.JAVA_BYTE);
        }
        int columns = head.length / Short.BYTES / ServingFixture.VOCABULARY;
        copy.with("lm_head.weight", DType.BF16, List.of((long) ServingFixture.VOCABULARY, (long) columns), head)
                .change(embedding, bytes -> {
                    int from = token * columns * Short.BYTES;
                    Arrays.fill(bytes, from, from + columns * Short.BYTES, (byte) 0xFF);
                })
                .write(folder);
        Files.copy(TestModels.books5m().resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
    }

    @Test
    void closingEndsAllRequests() {
        ServedModel model = serve(options(1, null, null));
        Completion running = model.submit(greedy(prompt(1, 100), 400));
        Completion waiting = model.submit(greedy(prompt(2, 100), 400));
        gate.step();
        gate.open();
        model.close();
        model.close();
        Answer stopped = Answer.of(running);
        assertThat(stopped.failure().code()).isEqualTo(ErrorCode.SERVING_STOPPED);
        assertThat(Answer.of(waiting).failure().code()).isEqualTo(ErrorCode.SERVING_STOPPED);
        assertRefused(model, ErrorCode.SERVING_STOPPED);
        assertThatThrownBy(() -> model.encode("x")).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void loadingStopsBehindALayerOnceItIsToldTo() {
        var looks = new AtomicInteger();
        JobMonitor monitor = JobMonitor.stoppedBy(() -> looks.incrementAndGet() == 2);
        assertThatThrownBy(
                        () -> ServedModels.open(Backends.cpu(2), TestModels.books5m(), options(1, null, null), monitor))
                .isInstanceOf(JobCancelledException.class);
        assertThat(looks).hasValue(2);
    }
}
