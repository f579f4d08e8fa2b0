package io.octavo.engine.smoke;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.octavo.engine.request.TaskResult.SmokeCheck;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SmokeChecksTest {

    private static final List<Integer> PLAIN = IntStream.range(0, 32).boxed().toList();

    private static final List<Integer> LOOP = looping(3, 32);

    /** Tokens that are never the same, and then a few again and again. */
    private static List<Integer> looping(int period, int tokens) {
        return IntStream.range(0, 40)
                .mapToObj(i -> i < 40 - tokens ? 1000 + i : i % period)
                .toList();
    }

    private static SmokeChecks.Observed observed(List<Integer> text, List<Integer> baselineText) {
        return new SmokeChecks.Observed(true, true, text, baselineText, List.of(1), List.of(1), List.of(0.5));
    }

    private static SmokeCheck check(String name, List<SmokeChecks.Observed> prompts) {
        return SmokeChecks.of(prompts).stream()
                .filter(check -> check.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** Four times, and twelve tokens, are a loop; one token less is none. */
    @ParameterizedTest
    @CsvSource({"1, 12", "2, 12", "3, 12", "4, 16", "5, 20", "8, 32"})
    void seesLoopsAtTheEnd(int period, int tokens) {
        assertThat(SmokeChecks.loops(looping(period, tokens))).isTrue();
        assertThat(SmokeChecks.loops(looping(period, tokens - 1))).isFalse();
        List<Integer> gone = new ArrayList<>(looping(period, tokens));
        gone.add(7777);
        assertThat(SmokeChecks.loops(gone)).isFalse();
    }

    @Test
    void longerPeriodsAreNoLoops() {
        assertThat(SmokeChecks.loops(looping(9, 40))).isFalse();
        assertThat(SmokeChecks.loops(PLAIN)).isFalse();
        assertThat(SmokeChecks.loops(List.of())).isFalse();
    }

    /** From a table of the binomial distribution: of 6 throws all heads 0.0156, of 7 0.0078; of 16 at least 13 0.0106, of 17 at least 14 0.0064. */
    @ParameterizedTest
    @CsvSource({"0, 6", "3, 13"})
    void chanceIsThatOfACoin(int others, int most) {
        assertThat(SmokeChecks.mostByChance(others, 16)).isEqualTo(most);
    }

    @Test
    void judgesLoopsBesideThoseOfTheBaseline() {
        List<SmokeChecks.Observed> prompts = new ArrayList<>(Collections.nCopies(9, observed(LOOP, LOOP)));
        prompts.addAll(Collections.nCopies(6, observed(LOOP, PLAIN)));
        assertThat(check("loops", prompts).passed()).isTrue();
        assertThat(check("loops", prompts).value()).isEqualTo(6);
        prompts.set(0, observed(LOOP, PLAIN));
        assertThat(check("loops", prompts).passed()).isFalse();
        prompts.set(1, observed(PLAIN, LOOP));
        prompts.set(2, observed(PLAIN, LOOP));
        assertThat(check("loops", prompts).passed()).isTrue();
    }

    /** 100 places of 0.5 each: a draw hits 50, and three standard errors are 15. */
    @Test
    void asksForTheAgreementOfADraw() {
        assertThat(agreement(35).passed()).isTrue();
        assertThat(agreement(34).passed()).isFalse();
        assertThat(agreement(34).limit()).isCloseTo(0.35, within(1e-12));
        assertThat(agreement(34).value()).isEqualTo(0.34);
        assertThat(agreement(34).detail()).contains("34.0 % of 100 places", "hits it in 50.0 %");
    }

    private static SmokeCheck agreement(int equal) {
        List<Integer> likely =
                IntStream.range(0, 100).mapToObj(i -> i < equal ? i : -1).toList();
        return check(
                "agreement",
                List.of(new SmokeChecks.Observed(
                        true,
                        true,
                        PLAIN,
                        PLAIN,
                        likely,
                        IntStream.range(0, 100).boxed().toList(),
                        Collections.nCopies(100, 0.5))));
    }

    @Test
    void aModelThatComputesNaNIsJudgedByThatAlone() {
        var broken = new SmokeChecks.Observed(true, false, List.of(), PLAIN, List.of(), List.of(1), List.of(0.5));
        List<SmokeCheck> checks = SmokeChecks.of(List.of(observed(PLAIN, PLAIN), broken));
        assertThat(checks).extracting(SmokeCheck::name).containsExactly("tokens", "finite");
        assertThat(checks.getLast().passed()).isFalse();
        assertThat(checks.getLast().detail()).isEqualTo("1 of 2 prompts give NaN");
    }

    @Test
    void aTokenizerThatReadsOtherwiseFails() {
        var other = new SmokeChecks.Observed(false, true, PLAIN, PLAIN, List.of(1), List.of(1), List.of(0.5));
        assertThat(check("tokens", List.of(other)).passed()).isFalse();
        assertThat(check("tokens", List.of(observed(PLAIN, PLAIN))).passed()).isTrue();
    }
}
