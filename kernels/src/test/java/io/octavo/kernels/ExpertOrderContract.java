package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

abstract class ExpertOrderContract extends BackendContract {

    ExpertOrderContract(IntFunction<Backend> open) {
        super(open);
    }

    private static final class Order {

        private final int[] sources;
        private final int[] rows;
        private final int[] starts;

        Order(int[] sources, int[] rows, int[] starts) {
            this.sources = sources;
            this.rows = rows;
            this.starts = starts;
        }
    }

    private Order sort(int tokens, int perToken, int experts, int... chosen) {
        Matrix sources = output(DType.I32, 1, chosen.length);
        Matrix rows = output(DType.I32, tokens, perToken);
        Matrix starts = output(DType.I32, 1, experts + 1);
        backend.operations().expertOrder().sort(intMatrix(tokens, perToken, chosen), sources, rows, starts, stream);
        return new Order(readInts(sources), readInts(rows), readInts(starts));
    }

    @Test
    void bringsTheRowsOfEachExpertTogether() {
        Order order = sort(3, 2, 4, 3, 0, 0, 3, 1, 3);
        assertThat(order.starts).containsExactly(0, 2, 3, 3, 6);
        assertThat(order.sources).containsExactly(0, 1, 2, 0, 1, 2);
        assertThat(order.rows).containsExactly(3, 0, 1, 4, 2, 5);
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 8, 128", "17, 2, 8", "300, 8, 128", "1000, 1, 3"})
    void sortsByExpertThenToken(int tokens, int perToken, int experts) {
        var random = random(tokens);
        int[] chosen = IntStream.range(0, tokens)
                .flatMap(token -> random.ints(0, experts).distinct().limit(perToken))
                .toArray();
        Order order = sort(tokens, perToken, experts, chosen);

        List<Integer> choices = IntStream.range(0, chosen.length)
                .boxed()
                .sorted(Comparator.comparingInt(choice -> chosen[choice]))
                .toList();
        for (int row = 0; row < choices.size(); row++) {
            int choice = choices.get(row);
            assertThat(order.sources[row]).isEqualTo(choice / perToken);
            assertThat(order.rows[choice]).isEqualTo(row);
        }
        for (int expert = 0; expert <= experts; expert++) {
            int before = expert;
            long rows =
                    choices.stream().filter(choice -> chosen[choice] < before).count();
            assertThat(order.starts[expert]).isEqualTo(Math.toIntExact(rows));
        }
    }

    @Test
    void rejectsOtherShapes() {
        Matrix chosen = intMatrix(2, 2, 0, 1, 1, 0);
        Matrix three = output(DType.I32, 1, 3);
        Matrix rows = output(DType.I32, 2, 2);
        assertThatThrownBy(() -> backend.operations().expertOrder().sort(chosen, three, rows, three, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("sources is 1 x 3, expected 1 x 4");
    }
}
