package io.octavo.engine.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.request.EvaluationTask.Windowing;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which tokens each window shows, and which of them it scores. */
class TextWindowsTest {

    private static final OptionalInt PREFIX = OptionalInt.of(99);

    @Test
    void disjointWindowsHaveThePrefixEachAndDropTheRest() {
        assertThat(cut(new Windowing.Disjoint(4), 10, PREFIX)).containsExactly("99 | 0 1 2 3", "99 | 4 5 6 7");
    }

    /** As lm-evaluation-harness cuts them with a context of one token. */
    @Test
    void rollingWindowsFollowTheTokenBeforeAndTheLastReachesBack() {
        assertThat(cut(new Windowing.Rolling(4), 10, PREFIX))
                .containsExactly("99 | 0 1 2 3", "3 | 4 5 6 7", "5 6 7 | 8 9");
    }

    @Test
    void aTextShorterThanARollingWindowIsOneWindow() {
        assertThat(cut(new Windowing.Rolling(4), 3, PREFIX)).containsExactly("99 | 0 1 2");
        assertThat(cut(new Windowing.Rolling(4), 0, PREFIX)).isEmpty();
    }

    /** As the guide of transformers cuts them: the first token follows nothing. */
    @Test
    void slidingWindowsScoreWhatNoEarlierOneDid() {
        assertThat(cut(new Windowing.Sliding(4, 2), 9, PREFIX))
                .containsExactly("0 | 1 2 3", "2 3 | 4 5", "4 5 | 6 7", "6 7 | 8");
        assertThat(cut(new Windowing.Sliding(4, 4), 9, PREFIX)).containsExactly("0 | 1 2 3", "4 | 5 6 7");
    }

    @Test
    void withoutAPrefixTheFirstTokenIsNotScored() {
        assertThat(cut(new Windowing.Rolling(4), 6, OptionalInt.empty())).containsExactly("0 | 1 2 3", "1 2 3 | 4 5");
        assertThat(cut(new Windowing.Rolling(4), 1, OptionalInt.empty())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 1", "5, 3", "7, 7", "8, 1"})
    void everyTokenIsScoredOnce(int windowTokens, int stride) {
        for (int length = 1; length < 40; length++) {
            assertThat(scored(TextWindows.cut(new Windowing.Rolling(windowTokens), ids(length), PREFIX)))
                    .isEqualTo(IntStream.range(0, length).boxed().toList());
            if (stride < windowTokens) {
                assertThat(scored(TextWindows.cut(new Windowing.Sliding(windowTokens, stride), ids(length), PREFIX)))
                        .isEqualTo(IntStream.range(1, length).boxed().toList());
            }
        }
    }

    private static List<Integer> scored(List<ScoredSequence> windows) {
        return windows.stream()
                .flatMap(window ->
                        IntStream.range(window.firstScored(), window.length()).mapToObj(window::token))
                .toList();
    }

    private static List<String> cut(Windowing windowing, int length, OptionalInt prefix) {
        return TextWindows.cut(windowing, ids(length), prefix).stream()
                .map(window -> tokens(window, 0, window.firstScored()) + " | "
                        + tokens(window, window.firstScored(), window.length()))
                .toList();
    }

    private static int[] ids(int length) {
        return IntStream.range(0, length).toArray();
    }

    private static String tokens(ScoredSequence window, int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(i -> Integer.toString(window.token(i)))
                .collect(Collectors.joining(" "));
    }
}
